// Scoring: one response, a row of points for each criterion. The rows are a grid: up and down choose the criterion,
// left and right the point; digits answer the lit criterion and light the next one.

import { showText } from "./content.js";
import { announce, el } from "./dom.js";
import { lengthNote } from "./lengths.js";
import { Scores } from "./scores.js";
import { Screen } from "./screen.js";

const byId = (id) => document.getElementById(id);
const STEPS = { left: -1, right: 1, up: -1, down: 1 };

class ScoreKind {
  mount(task, onChange) {
    this.letter = task.responses[0].letter;
    this.scores = new Scores({ criteria: task.criteria, letters: [this.letter], onChange });
    this.scales = this.scores.scales;
    const response = el("article", { class: "card sole", tabindex: "-1", "aria-labelledby": "name-response" },
      el("h2", { id: "name-response", class: "eyebrow" }, "Response"), lengthNote(task.responses[0].text), showText(task.responses[0].html));
    const scales = el("section", { class: "scales panel", "aria-label": "Scores" }, ...this.scales.map((scale) => scale.node));
    byId("cards").replaceChildren(response, scales);
    this.scales.forEach((scale, index) => scale.node.addEventListener("focusin", () => this.mark(index)));
    this.scales.forEach((scale, index) => scale.node.addEventListener("click", () => this.mark(index)));
    this.mark(0);
  }

  answer() {
    return { scores: this.scores.answer(), rationales: this.scores.rationales() };
  }

  load(answer) {
    this.scores.load(answer.scores || {}, answer.rationales || {});
    const open = this.scales.findIndex((scale) => scale.value === undefined);
    this.mark(Math.max(open, 0));
  }

  missing() {
    const missing = this.scores.missing().map((scale) => scale.criterion.label);
    if (missing.length) return `Still to score: ${missing.join(", ")}.`;
    return this.scores.hasNumber() ? "" : "Give at least one score.";
  }

  focusMissing() {
    const [scale] = this.scores.missing();
    this.light(scale ? this.scales.indexOf(scale) : this.lit);
  }

  focus() {
    if (!this.scales.length) return;
    const { node, field } = this.scales[this.lit];
    (field || node).focus({ preventScroll: true });
  }

  findIn() {
    return { card: document.querySelector(".card"), name: "the response" };
  }

  act(action, value, event) {
    const actions = {
      digit: () => this.score(Number(value), { goOn: true }),
      "not-applicable": () => this.score(null, { goOn: true }),
      arrow: () => this.onArrow(value, event),
      reason: () => this.scales[this.lit].openReason(),
    };
    return actions[action] ? actions[action]() : false;
  }

  onArrow(direction, event) {
    if (event.target.closest("pre, .scroll, .asks, .earlier")) return false;
    const step = STEPS[direction];
    if (direction === "up" || direction === "down") return this.light((this.lit + step + this.scales.length) % this.scales.length);
    const scale = this.scales[this.lit];
    return scale.points ? this.score(scale.neighbour(step)) : false;
  }

  score(value, { goOn = false } = {}) {
    const scale = this.scales[this.lit];
    if (!scale || (value !== null && !scale.points) || !scale.show(value)) return announce("That is not on this scale.");
    scale.onChange(value);
    const next = goOn ? this.scales.findIndex((other, index) => index > this.lit && other.value === undefined) : -1;
    const said = value === null ? "not applicable" : scale.criterion.anchors[String(value)] || value;
    announce(`${scale.criterion.label}: ${said}.${next >= 0 ? ` ${this.scales[next].criterion.label} is next.` : ""}`);
    return this.light(next >= 0 ? next : this.lit);
  }

  light(index) {
    this.mark(index);
    const { node, field } = this.scales[index];
    (field || node).focus({ preventScroll: true });
    node.scrollIntoView({ block: "nearest" });
  }

  mark(index) {
    this.lit = index;
    this.scales.forEach((scale, at) => scale.node.classList.toggle("on", at === index));
  }
}

new Screen(new ScoreKind()).start();
