// Two responses: one row of seven points from "A much better" to "B much better", in place of the lanes.

import { el } from "./dom.js";

const byId = (id) => document.getElementById(id);
const POINTS = [-3, -2, -1, 0, 1, 2, 3];
const WORDS = { 3: "much", 2: "clearly", 1: "slightly" };

export function pointText(point, [left, right]) {
  if (point === 0) return "about the same";
  return `${point < 0 ? left : right} ${WORDS[Math.abs(point)]} better`;
}

export class PairBar {
  constructor({ ranking, onPoint, onBothBad }) {
    this.ranking = ranking;
    const points = POINTS.map((point, index) => this.button({ point, number: index + 1, onPoint }));
    const bad = el("button", { type: "button", class: "point-btn bad", "data-point": "bad", "aria-pressed": "false", on: { click: onBothBad } }, "both not acceptable");
    byId("pair").replaceChildren(...points, bad);
  }

  button({ point, number, onPoint }) {
    const [left, right] = this.ranking.letters;
    const letter = point === 0 ? null : el("b", {}, point < 0 ? left : right);
    const word = el("span", {}, point === 0 ? "same" : WORDS[Math.abs(point)]);
    return el("button", {
      type: "button", class: "point-btn", "data-point": point, "aria-pressed": "false", title: `${pointText(point, [left, right])} (${number})`,
      "aria-label": pointText(point, [left, right]), on: { click: () => onPoint(point) },
    }, letter, word);
  }

  draw() {
    const point = this.ranking.point();
    const bothBad = this.ranking.isComplete() && this.ranking.line === 0;
    for (const node of byId("pair").querySelectorAll("[data-point]")) {
      const isOn = node.dataset.point === "bad" ? bothBad : point !== null && Number(node.dataset.point) === point;
      node.setAttribute("aria-pressed", String(isOn));
    }
  }
}

/** Where an arrow leads on the seven points, from `point` or from nothing. */
export function stepPoint(point, direction, strong) {
  if (strong) return 3 * direction;
  return Math.max(-3, Math.min(3, (point || 0) + direction));
}
