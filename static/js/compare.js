// Two responses side by side, as they are or with the words marked that only one of them has.

import { announce, el } from "./dom.js";
import { diffWords } from "./word_diff.js";

const byId = (id) => document.getElementById(id);

export class Compare {
  constructor({ responses, placeOf }) {
    this.responses = new Map(responses.map((response) => [response.letter, response]));
    this.letters = [...this.responses.keys()];
    this.placeOf = placeOf;
    this.first = null;
    const fields = ["compare-left", "compare-right", "compare-words"].map(byId);
    for (const field of fields) field.onchange = () => this.draw();
    for (const select of fields.slice(0, 2)) {
      select.replaceChildren(...this.letters.map((letter) => el("option", { value: letter }, letter)));
    }
  }

  get isChoosing() {
    return this.first !== null;
  }

  /** Asks for the letter to compare with; with two responses there is nothing to ask. */
  choose(letter) {
    const others = this.letters.filter((other) => other !== letter);
    if (others.length === 1) return this.open(letter, others[0]);
    this.first = letter;
    this.hint(`Compare ${letter} with which one? Press its letter; Esc for none.`);
    return undefined;
  }

  cancel() {
    this.first = null;
    this.hint("");
  }

  chosen(letter) {
    const first = this.first;
    this.cancel();
    if (letter !== first && this.responses.has(letter)) this.open(first, letter);
  }

  open(left, right, { words = true } = {}) {
    this.cancel();
    [byId("compare-left").value, byId("compare-right").value] = [left, right];
    byId("compare-words").checked = words;
    this.draw();
    byId("compare-dialog").showModal();
  }

  hint(sentence) {
    const place = byId("compare-hint");
    place.textContent = sentence;
    place.hidden = !sentence;
    if (sentence) announce(sentence);
  }

  draw() {
    const [left, right] = ["compare-left", "compare-right"].map((id) => this.responses.get(byId(id).value));
    const runs = byId("compare-words").checked ? diffWords(left.text, right.text) : null;
    byId("compare-panes").replaceChildren(this.pane(left, runs && runs.left), this.pane(right, runs && runs.right));
    const same = left.text === right.text;
    byId("compare-said").textContent = same ? (left === right ? "" : "The two are the same, word for word.") : (runs ? "Marked: words that the other one does not have." : "");
  }

  pane(response, runs) {
    const text = runs
      ? el("div", { class: "read plain-text", dir: "auto" }, ...runs.map(([words, isShared]) => (isShared ? words : el("mark", {}, words))))
      : el("div", { class: "read", dir: "auto", html: response.html });
    return el("section", { class: "pane", tabindex: "0", "aria-label": `Response ${response.letter}` },
      el("h3", {}, el("span", { class: "badge" }, response.letter), el("span", { class: "quiet-note" }, this.placeOf(response.letter))), text);
  }
}
