// The dock: unranked responses, a lane for each rank, and the line below which nothing is acceptable. Everything in it
// can be dragged, by mouse or by finger; cards and dock have a button for each of these moves.

import { el } from "./dom.js";
import { dragLine } from "./line_drag.js";
import { rankText, STRENGTH_TEXT } from "./rank_words.js";

// Sortable comes as a classic script (static/vendor); it only adds the drag.
const { Sortable } = window;
const byId = (id) => document.getElementById(id);

export class RankDock {
  /** onDrop(letter, {lane, gap, below}), onLight(letter), onCycle(upper, lower), onLine(at). */
  constructor({ ranking, onDrop, onLight, onCycle, onLine }) {
    this.ranking = ranking;
    this.handlers = { onDrop, onLight, onCycle, onLine };
    this.sortables = [];
  }

  draw(lit) {
    this.sortables.forEach((sortable) => sortable.destroy());
    byId("tray").replaceChildren(...this.ranking.unranked().map((letter) => this.chip(letter)));
    byId("tray-box").hidden = this.ranking.isComplete();
    const parts = [];
    let upper = null;
    this.ranking.lanes.forEach((lane, index) => {
      parts.push(index === this.ranking.line ? this.badLine() : this.gap(index, upper, lane), this.lane(lane, index));
      if (lane.length) upper = lane;
    });
    const { length } = this.ranking.lanes;
    const end = this.ranking.line >= length ? [this.badLine(), this.below()] : [this.gap(length, null, [])];
    byId("lanes").replaceChildren(...parts, ...end);
    byId("lanes").classList.toggle("many", length > 5);
    const places = document.querySelectorAll("#tray, #lanes .lane, #lanes .gap, #lanes .below");
    this.sortables = [...places].map((node) => this.makeSortable(node));
    this.mark(lit);
  }

  mark(lit) {
    for (const chip of document.querySelectorAll("#lanes .chip, #tray .chip")) chip.classList.toggle("on", chip.dataset.letter === lit);
  }

  lane(letters, index) {
    const name = letters.length ? `Lane ${index + 1}: ${letters.join(" tied with ")}` : `Lane ${index + 1}, empty`;
    const chips = letters.flatMap((letter, at) => (at ? [el("span", { class: "eq", "aria-hidden": "true" }, "="), this.chip(letter)] : [this.chip(letter)]));
    const number = letters.length ? null : el("span", { class: "lane-number", "aria-hidden": "true" }, String(index + 1));
    const bad = index >= this.ranking.line ? " bad" : "";
    return el("div", { class: `lane${letters.length ? " full" : ""}${bad}`, role: "group", "aria-label": name, "data-lane": index }, number, ...chips);
  }

  chip(letter) {
    return el("button", { type: "button", class: "chip", "data-letter": letter, "aria-roledescription": "response to rank", "aria-label": `Response ${letter}: ${rankText(this.ranking, letter)}`, on: { click: () => this.handlers.onLight(letter) } }, letter);
  }

  /** Between two tiers: a place to drop into, and how much better the upper one is. */
  gap(index, upper, lower) {
    const gap = el("div", { class: "gap", "data-gap": index });
    if (!upper || !lower.length) return gap;
    const strength = this.ranking.strengthBetween(upper, lower);
    const label = `${upper.join("")} over ${lower.join("")}: ${STRENGTH_TEXT[strength] || "how much better?"}`;
    gap.append(el("button", { type: "button", class: "gt", "aria-label": label, title: label, on: { click: () => this.handlers.onCycle(upper, lower) } }, "›".repeat(strength || 1)));
    gap.classList.toggle("set", strength !== null);
    return gap;
  }

  badLine() {
    const button = (action, text, label) => el("button", { type: "button", class: "mini", "data-action": action, "aria-label": label, title: label }, text);
    const line = el("div", { class: "bad-line", role: "group", "aria-label": "Line: what follows is not acceptable" },
      button("line-up", "‹", "One more tier is not acceptable"),
      el("span", { class: "bad-grip", title: "Drag the line" }, "not acceptable"),
      button("line-down", "›", "One tier fewer is not acceptable"));
    dragLine({ line, lanes: byId("lanes"), onDrop: this.handlers.onLine });
    return line;
  }

  /** While nothing is below the line: a place to drop the first one into. */
  below() {
    return el("div", { class: "below", "data-below": "", role: "group", "aria-label": "Not acceptable, empty" });
  }

  makeSortable(node) {
    return Sortable.create(node, {
      group: "responses", draggable: ".chip", sort: false, forceFallback: true, fallbackOnBody: true, fallbackTolerance: 4, animation: 0,
      onStart: ({ from }) => {
        // What is dragged must not make the lanes slide away under the pointer.
        from.style.minWidth = `${from.offsetWidth}px`;
        byId("dock").classList.add("dragging");
      },
      onEnd: ({ item, from, to }) => {
        from.style.minWidth = "";
        byId("dock").classList.remove("dragging");
        const { lane, gap, below } = to.dataset;
        this.handlers.onDrop(item.dataset.letter, { lane, gap, below });
      },
    });
  }
}
