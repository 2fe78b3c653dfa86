// Scoring: one response, a scale for each criterion. Digits answer the lit criterion and light the next one.

import { announce, el } from "./dom.js";
import { Scores } from "./scores.js";
import { Screen } from "./screen.js";

const byId = (id) => document.getElementById(id);

class ScoreKind {
  mount(task, onChange) {
    this.letter = task.responses[0].letter;
    this.scores = new Scores({ criteria: task.criteria, letters: [this.letter], onChange });
    this.scales = this.scores.scales;
    this.lit = 0;
    const response = el("article", { class: "card sole", tabindex: "-1", "aria-labelledby": "name-response" },
      el("h2", { id: "name-response", class: "eyebrow" }, "Response"),
      el("div", { class: "read", dir: "auto", html: task.responses[0].html || "<p><em>(empty response)</em></p>" }));
    const scales = el("section", { class: "scales panel", "aria-label": "Scores" }, ...this.scales.map((scale) => scale.node));
    byId("cards").replaceChildren(response, scales);
    this.scales.forEach((scale, index) => scale.node.addEventListener("focusin", () => this.mark(index)));
    this.mark(0);
  }

  answer() {
    return { scores: this.scores.answer() };
  }

  load(answer) {
    this.scores.load(answer.scores || {});
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
    if (this.scales.length) this.light(this.lit);
  }

  act(action, value, event) {
    const actions = {
      digit: () => this.score(Number(value)),
      "not-applicable": () => this.score(null),
      previous: () => this.step(-1, event),
      next: () => this.step(1, event),
      unrank: () => false,
    };
    return actions[action] ? actions[action]() : false;
  }

  score(value) {
    const scale = this.scales[this.lit];
    if (!scale || (value !== null && !scale.points) || !scale.show(value)) return announce("That is not on this scale.");
    scale.onChange(value);
    const next = this.scales.findIndex((other, index) => index > this.lit && other.value === undefined);
    const said = value === null ? "not applicable" : scale.criterion.anchors[String(value)] || value;
    announce(`${scale.criterion.label}: ${said}.${next >= 0 ? ` ${this.scales[next].criterion.label} is next.` : ""}`);
    return this.light(next >= 0 ? next : this.lit);
  }

  step(by, event) {
    if (event && event.target.closest("input, pre, .scroll, .asks")) return false;
    return this.light((this.lit + by + this.scales.length) % this.scales.length);
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
