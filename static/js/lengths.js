// How long a response is. Shown only to who asks for it: a length in sight makes people prefer the longer one.

import { announce, el } from "./dom.js";
import { splitWords } from "./word_diff.js";

const HAS_LETTER = /[\p{L}\p{N}]/u;

/** {words, characters}; characters as people count them, not as the machine stores them. */
export function measure(text) {
  return { words: splitWords(text).filter((word) => HAS_LETTER.test(word)).length, characters: [...text].length };
}

const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

export function lengthNote(text) {
  const { words, characters } = measure(text);
  return el("p", { class: "length" }, `${count(words, "word")}, ${count(characters, "character")}`);
}

export function toggleLengths() {
  const isShown = document.body.classList.toggle("show-lengths");
  for (const button of document.querySelectorAll("[data-action=lengths]")) button.setAttribute("aria-pressed", String(isShown));
  announce(isShown ? "Lengths are shown." : "Lengths are hidden.");
}

export function togglePrompt() {
  const isFolded = document.body.classList.toggle("prompt-folded");
  const button = document.querySelector("button[data-action=prompt]");
  button.setAttribute("aria-expanded", String(!isFolded));
  button.firstChild.textContent = isFolded ? "Unfold" : "Fold";
  announce(isFolded ? "The prompt is folded." : "The prompt is unfolded.");
}
