// Takes words of a response into the reason: select them, press the button or the key.

import { announce } from "./dom.js";

const LONGEST = 1000;

/** The text that is selected inside the responses: {text, node}, or null. */
export function selectedText() {
  const selection = window.getSelection();
  const text = String(selection).trim();
  if (!text || !selection.rangeCount) return null;
  const { commonAncestorContainer: inside } = selection.getRangeAt(0);
  const node = inside.nodeType === Node.ELEMENT_NODE ? inside : inside.parentElement;
  return node.closest("#cards .read, #prompt .read") ? { text, node } : null;
}

/** Adds the words as a quotation at the end of the field, and leaves the cursor after it. */
export function addQuote(field, { text, from = "" }) {
  const words = text.replace(/\s+/g, " ").slice(0, LONGEST);
  const before = field.value && !field.value.endsWith("\n") ? `${field.value}\n` : field.value;
  field.value = `${before}> ${from}“${words}”\n`;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
  announce("Quoted.");
}

/** Shows the button while there is something to quote. */
export function watchSelection(button) {
  document.addEventListener("selectionchange", () => {
    button.hidden = selectedText() === null;
  });
  // A press would end the selection before the click is heard.
  button.addEventListener("pointerdown", (event) => event.preventDefault());
}
