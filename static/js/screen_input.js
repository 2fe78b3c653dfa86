// Keys, buttons and dialogs of the judging screen: what people press becomes the name of an action.

import { isTextField } from "./dom.js";
import { openFind } from "./find.js";
import { toggleLengths, togglePrompt } from "./lengths.js";
import { takeToastAction } from "./notices.js";
import { addQuote, selectedText, watchSelection } from "./quotes.js";

const byId = (id) => document.getElementById(id);

export class ScreenInput {
  constructor({ screen, keys }) {
    this.screen = screen;
    this.keys = keys;
    this.field = byId("rationale");
    document.addEventListener("keydown", (event) => this.onKey(event));
    document.addEventListener("click", (event) => {
      const button = event.target.closest("[data-action]");
      if (button) this.act(button.dataset.action, button.dataset.value, event);
    });
    document.addEventListener("focusin", ({ target }) => { if (target.matches("[data-reason]")) this.field = target; });
    watchSelection(byId("quote"));
  }

  onKey(event) {
    if (event.defaultPrevented || document.querySelector("dialog[open]") || byId("work").hidden) return;
    if (isTextField(event.target)) {
      this.onKeyInText(event);
      return;
    }
    if (event.key === "Escape") this.screen.kind.cancel?.();
    const found = this.keys.read(event);
    if (!found) return;
    // Enter and Space on a button or link mean that button or link.
    const isPress = event.key === "Enter" || event.key === " ";
    if (isPress && !event.ctrlKey && !event.metaKey && event.target.closest("button, a, summary, input")) return;
    if (this.act(found.action, found.value, event) !== false) event.preventDefault();
  }

  onKeyInText(event) {
    if (event.key === "Escape") this.screen.kind.focus();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.screen.submit();
    else return;
    event.preventDefault();
  }

  act(action, value, event) {
    const { screen } = this;
    if (screen.busy) return undefined;
    const mine = {
      submit: () => screen.submit(),
      skip: () => this.openDialog("skip-dialog"),
      flag: () => this.openDialog("flag-dialog"),
      guidelines: () => this.openDialog("guideline-dialog"),
      help: () => this.openDialog("keys-dialog"),
      note: () => byId("rationale").focus(),
      quote: () => this.quote(),
      missing: () => screen.kind.focusMissing(),
      find: () => this.find(event),
      lengths: () => toggleLengths(),
      prompt: () => togglePrompt(),
      retry: () => screen.next(),
      "cancel-edit": () => screen.leaveEdit(),
    }[action];
    if (mine) return void mine();
    const done = screen.kind.act(action, value, event);
    if (done !== "nothing") return done;
    return action === "undo" ? takeToastAction() : false;
  }

  find(event) {
    const { card, name } = this.screen.kind.findIn(event);
    openFind(card, { name, onClose: () => this.screen.kind.focus() });
  }

  quote() {
    const found = selectedText();
    if (!found) return;
    const field = this.field.isConnected && this.field.closest("[hidden]") === null ? this.field : byId("rationale");
    addQuote(field, { text: found.text, from: this.screen.kind.quoteFrom?.(found.node) || "" });
  }

  openDialog(id) {
    if (this.screen.editing && (id === "skip-dialog" || id === "flag-dialog")) return;
    const dialog = byId(id);
    for (const field of dialog.querySelectorAll("textarea, input[type=text]")) field.value = "";
    dialog.showModal();
  }
}
