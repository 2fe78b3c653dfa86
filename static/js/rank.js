// Ranking: cards to read, a dock with lanes to put them into, by key, by button or by drag.

import { announce, el, listLetters, ordinal } from "./dom.js";
import { Ranking } from "./ranking.js";
import { Scores } from "./scores.js";
import { Screen } from "./screen.js";

const byId = (id) => document.getElementById(id);
const STRENGTH_TEXT = { 1: "slightly better", 2: "clearly better", 3: "much better" };

// Sortable comes as a classic script (static/vendor); it only adds the drag.
const { Sortable } = window;

class RankKind {
  mount(task, onChange) {
    this.task = task;
    this.onChange = onChange;
    this.letters = task.responses.map((response) => response.letter);
    this.ranking = new Ranking(this.letters);
    this.scores = new Scores({ criteria: task.criteria, letters: this.letters, onChange });
    this.lit = this.letters[0];
    byId("cards").replaceChildren(...task.responses.map((response) => this.card(response)));
    byId("cards").dataset.count = String(this.letters.length);
    for (const node of document.querySelectorAll("[data-last-letter]")) node.textContent = this.letters.at(-1);
    for (const node of document.querySelectorAll("[data-last-digit]")) node.textContent = String(this.letters.length);
    this.draw();
  }

  // --- what the screen asks of a kind -------------------------------------------------------------------------------

  answer() {
    return { ...this.ranking.answer(), scores: this.scores.answer() };
  }

  load(answer) {
    this.ranking.load(answer);
    this.scores.load(answer.scores || {});
    this.lit = this.ranking.unranked()[0] || this.letters[0];
    this.draw();
  }

  missing() {
    const unranked = this.ranking.unranked();
    if (unranked.length === this.letters.length) return "Nothing is ranked yet.";
    if (unranked.length) return `Still to rank: ${listLetters(unranked)}.`;
    const [scale] = this.scores.missing();
    return scale ? `${scale.criterion.label} of response ${scale.letter} needs a score.` : "";
  }

  focusMissing() {
    const [letter] = this.ranking.unranked();
    if (letter) return this.light(letter);
    const [scale] = this.scores.missing();
    if (scale) scale.node.querySelector("input").focus();
  }

  focus() {
    this.cardOf(this.lit).focus({ preventScroll: true });
  }

  act(action, value, event) {
    const target = this.letterAt(event) || this.lit;
    const actions = {
      light: () => this.letters.includes(value) && this.light(value),
      digit: () => this.placeByDigit(target, Number(value)),
      previous: () => this.lightNeighbour(-1, event),
      next: () => this.lightNeighbour(1, event),
      up: () => this.apply(target, () => this.ranking.moveUp(target)),
      down: () => this.apply(target, () => this.ranking.moveDown(target)),
      tie: () => this.apply(target, () => this.ranking.tieUp(target)),
      bad: () => this.apply(target, () => this.ranking.toggleBad(target), { goOn: this.ranking.laneOf(target) < 0 }),
      unrank: () => this.apply(target, () => this.ranking.unrank(target)),
      undo: () => this.travel("undo"),
      redo: () => this.travel("redo"),
      "line-up": () => this.moveLine(-1),
      "line-down": () => this.moveLine(1),
    };
    return actions[action] ? actions[action]() : false;
  }

  // --- acting -------------------------------------------------------------------------------------------------------

  /** A button on a card speaks of that card; a key speaks of the lit one. */
  letterAt(event) {
    const card = event && event.type === "click" ? event.target.closest(".card") : null;
    return card ? card.dataset.letter : null;
  }

  placeByDigit(letter, digit) {
    if (digit < 1 || digit > this.letters.length) return;
    const goOn = this.ranking.laneOf(letter) < 0;
    this.apply(letter, () => this.ranking.place(letter, digit - 1), { goOn });
  }

  apply(letter, change, { goOn = false } = {}) {
    const before = this.ranking.snapshot();
    this.lit = letter;
    change();
    const next = goOn ? this.nextUnranked(letter) : null;
    this.draw();
    if (this.ranking.snapshot() !== before) {
      announce(this.describe(letter) + (next ? ` Response ${next} is next.` : ""));
      this.onChange();
    }
    this.light(next || letter);
  }

  travel(direction) {
    if (!this.ranking[direction]()) return announce(`Nothing to ${direction}.`);
    this.draw();
    announce(`${direction === "undo" ? "Undone" : "Redone"}. ${this.describeAll()}`);
    this.onChange();
  }

  moveLine(step) {
    this.ranking.moveLine(step);
    this.draw();
    const bad = this.ranking.bad();
    announce(bad.length ? `Not acceptable: ${listLetters(bad)}.` : "Every response is acceptable.");
    this.onChange();
  }

  nextUnranked(letter) {
    const from = this.letters.indexOf(letter);
    const around = [...this.letters.slice(from + 1), ...this.letters.slice(0, from)];
    return around.find((other) => this.ranking.laneOf(other) < 0) || null;
  }

  light(letter) {
    this.lit = letter;
    this.drawCards();
    const card = this.cardOf(letter);
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  lightNeighbour(step, event) {
    // Arrows belong to the radio buttons of a scale and to boxes that scroll.
    if (event && event.target.closest("input, pre, .scroll, .asks")) return false;
    const at = (this.letters.indexOf(this.lit) + step + this.letters.length) % this.letters.length;
    return this.light(this.letters[at]);
  }

  // --- words --------------------------------------------------------------------------------------------------------

  describe(letter) {
    const place = this.ranking.placeOf(letter);
    if (!place) return `Response ${letter} is unranked.`;
    const tie = place.tied.length ? `, tied with ${listLetters(place.tied)}` : "";
    return `Response ${letter} is ${ordinal(place.rank)} of ${this.ranking.tiers().length}${tie}${place.bad ? ", not acceptable" : ""}.`;
  }

  describeAll() {
    const tiers = this.ranking.tiers();
    return tiers.length ? `Order: ${tiers.map((tier) => tier.join(" and ")).join(", then ")}.` : "Nothing is ranked.";
  }

  rankText(letter) {
    const place = this.ranking.placeOf(letter);
    if (!place) return "not ranked";
    return `${ordinal(place.rank)}${place.tied.length ? ", tied" : ""}${place.bad ? " · not acceptable" : ""}`;
  }

  // --- drawing ------------------------------------------------------------------------------------------------------

  card({ letter, html }) {
    const button = (action, text, label, value) => el("button", { type: "button", class: "mini", "data-action": action, "data-value": value, "aria-label": `${label}, response ${letter}`, title: label }, text);
    const ranks = this.letters.map((_, index) => button("digit", String(index + 1), `Rank ${index + 1}`, index + 1));
    const more = [["up", "↑", "Move up"], ["down", "↓", "Move down"], ["tie", "=", "Tie with the one above"], ["bad", "✕", "Not acceptable"], ["unrank", "↺", "Unrank"]];
    return el("article", { class: "card", id: `card-${letter}`, "data-letter": letter, tabindex: "-1", "aria-labelledby": `name-${letter}`, on: { click: (event) => this.onCardClick(event, letter), focusin: () => this.onCardFocus(letter) } },
      el("h2", { id: `name-${letter}` }, el("span", { class: "visually-hidden" }, "Response "), el("span", { class: "badge" }, letter), el("span", { class: "rank none" }, "not ranked")),
      el("div", { class: "read", dir: "auto", html: html || "<p><em>(empty response)</em></p>" }),
      ...this.scores.of(letter).map((scale) => scale.node),
      el("div", { class: "tools", role: "group", "aria-label": `Rank response ${letter}` }, el("span", { class: "ranks" }, ...ranks), el("span", { class: "more" }, ...more.map(([action, text, label]) => button(action, text, label)))));
  }

  onCardClick(event, letter) {
    if (event.target.closest("button, a, input, label, pre") || String(window.getSelection())) return;
    this.light(letter);
  }

  onCardFocus(letter) {
    if (this.lit === letter) return;
    this.lit = letter;
    this.drawCards();
  }

  cardOf(letter) {
    return byId(`card-${letter}`);
  }

  draw() {
    this.drawCards();
    this.drawDock();
  }

  drawCards() {
    for (const letter of this.letters) {
      const card = this.cardOf(letter);
      const lane = this.ranking.laneOf(letter);
      card.classList.toggle("on", letter === this.lit);
      card.tabIndex = letter === this.lit ? 0 : -1;
      const rank = card.querySelector(".rank");
      rank.textContent = this.rankText(letter);
      rank.classList.toggle("none", lane < 0);
      rank.classList.toggle("bad", lane >= this.ranking.line);
      card.querySelectorAll("[data-action=digit]").forEach((node, index) => node.setAttribute("aria-pressed", String(index === lane)));
    }
    for (const chip of document.querySelectorAll("#lanes .chip, #tray .chip")) chip.classList.toggle("on", chip.dataset.letter === this.lit);
  }

  drawDock() {
    (this.sortables || []).forEach((sortable) => sortable.destroy());
    byId("tray").replaceChildren(...this.ranking.unranked().map((letter) => this.chip(letter)));
    byId("tray-box").hidden = this.ranking.isComplete();
    const parts = [];
    let upper = null;
    this.ranking.lanes.forEach((lane, index) => {
      parts.push(index === this.ranking.line ? this.badLine() : this.gap(index, upper, lane), this.lane(lane, index));
      if (lane.length) upper = lane;
    });
    byId("lanes").replaceChildren(...parts, this.gap(this.ranking.lanes.length, null, []));
    this.sortables = [...document.querySelectorAll("#tray, #lanes .lane, #lanes .gap")].map((node) => this.makeSortable(node));
    this.drawCards();
  }

  lane(letters, index) {
    const name = letters.length ? `Lane ${index + 1}: ${letters.join(" tied with ")}` : `Lane ${index + 1}, empty`;
    const chips = letters.flatMap((letter, at) => (at ? [el("span", { class: "eq", "aria-hidden": "true" }, "="), this.chip(letter)] : [this.chip(letter)]));
    const number = letters.length ? null : el("span", { class: "lane-number", "aria-hidden": "true" }, String(index + 1));
    return el("div", { class: `lane${letters.length ? " full" : ""}${index >= this.ranking.line ? " bad" : ""}`, role: "group", "aria-label": name, "data-lane": index }, number, ...chips);
  }

  chip(letter) {
    return el("button", { type: "button", class: "chip", "data-letter": letter, "aria-label": `Response ${letter}: ${this.rankText(letter)}`, on: { click: () => this.light(letter) } }, letter);
  }

  /** Between two tiers: a place to drop into, and how much better the upper one is. */
  gap(index, upper, lower) {
    const gap = el("div", { class: "gap", "data-gap": index });
    if (!upper || !lower.length) return gap;
    const strength = this.ranking.strengthBetween(upper, lower);
    const label = `${upper.join("")} over ${lower.join("")}: ${STRENGTH_TEXT[strength] || "how much better?"}`;
    gap.append(el("button", { type: "button", class: "gt", "aria-label": label, title: label, on: { click: () => this.cycle(upper, lower) } }, "›".repeat(strength || 1)));
    gap.classList.toggle("set", strength !== null);
    return gap;
  }

  cycle(upper, lower) {
    const strength = this.ranking.cycleStrength([...upper], [...lower]);
    this.draw();
    announce(`${listLetters(upper)} over ${listLetters(lower)}: ${STRENGTH_TEXT[strength] || "strength not given"}.`);
    this.onChange();
  }

  badLine() {
    const button = (action, text, label) => el("button", { type: "button", class: "mini", "data-action": action, "aria-label": label, title: label }, text);
    return el("div", { class: "bad-line", role: "group", "aria-label": "Line: what follows is not acceptable" },
      button("line-up", "‹", "One more tier is not acceptable"), el("span", {}, "not acceptable"), button("line-down", "›", "One tier fewer is not acceptable"));
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
        this.drop(item.dataset.letter, to);
      },
    });
  }

  drop(letter, place) {
    this.apply(letter, () => {
      if (place.dataset.lane !== undefined) this.ranking.place(letter, Number(place.dataset.lane));
      else if (place.dataset.gap !== undefined) this.ranking.insert(letter, Number(place.dataset.gap));
      else this.ranking.unrank(letter);
    });
  }
}

new Screen(new RankKind()).start();
