// Ranking: cards to read, a dock with lanes to put them into, by key, by button or by drag. Two responses get seven
// points in place of lanes; the answer is the same kind of ranking.

import { Compare } from "./compare.js";
import { announce, listLetters } from "./dom.js";
import { PairBar, pointText, stepPoint } from "./pair_bar.js";
import { buildCard, drawCard, scrollCard, toggleUnfolded } from "./rank_card.js";
import { RankDock } from "./rank_dock.js";
import { buildTabs, drawTabs } from "./rank_tabs.js";
import { describeAll, describeBad, describePlace, rankText, STRENGTH_TEXT } from "./rank_words.js";
import { Ranking } from "./ranking.js";
import { Scores } from "./scores.js";
import { Screen } from "./screen.js";

const byId = (id) => document.getElementById(id);

class RankKind {
  mount(task, onChange) {
    this.onChange = onChange;
    this.letters = task.responses.map((response) => response.letter);
    this.isPair = this.letters.length === 2;
    this.ranking = new Ranking(this.letters);
    this.scores = new Scores({ criteria: task.criteria, letters: this.letters, onChange });
    this.compare = new Compare({ responses: task.responses, placeOf: (letter) => rankText(this.ranking, letter) });
    [this.lit] = this.letters;
    this.pinned = null;
    this.buildCards(task);
    this.buildDock();
    buildTabs({ letters: this.letters, onLight: (letter) => this.light(letter), onCompare: () => this.openCompare(this.lit) });
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
    if (unranked.length === this.letters.length) return this.isPair ? "Which one is better?" : "Nothing is ranked yet.";
    if (unranked.length) return `Still to rank: ${listLetters(unranked)}.`;
    const [scale] = this.scores.missing();
    return scale ? `${scale.criterion.label} of response ${scale.letter} needs a score.` : "";
  }

  focusMissing() {
    const [letter] = this.ranking.unranked();
    if (letter) return this.light(letter);
    const [scale] = this.scores.missing();
    return scale && this.light(scale.letter, scale.node.querySelector("input"));
  }

  focus() {
    this.cardOf(this.lit).focus({ preventScroll: true });
  }

  /** How a quotation of this element's text begins. */
  quoteFrom(node) {
    const card = node.closest(".card");
    return card ? `${card.dataset.letter}: ` : "";
  }

  cancel() {
    this.compare.cancel();
  }

  act(action, value, event) {
    const target = this.letterAt(event) || this.lit;
    const actions = {
      light: () => this.onLetter(value),
      digit: () => this.onDigit(target, Number(value), event),
      arrow: () => this.onArrow(value.value || value, event),
      scroll: () => scrollCard(this.cardOf(this.lit), value),
      up: () => this.apply(target, () => this.ranking.moveUp(target)),
      down: () => this.apply(target, () => this.ranking.moveDown(target)),
      tie: () => this.apply(target, () => this.ranking.tieUp(target)),
      bad: () => this.apply(target, () => this.ranking.toggleBad(target), { goOn: this.ranking.laneOf(target) < 0 }),
      unrank: () => this.apply(target, () => this.ranking.unrank(target)),
      undo: () => this.travel("undo"),
      redo: () => this.travel("redo"),
      "line-up": () => this.moveLine(() => this.ranking.moveLine(-1)),
      "line-down": () => this.moveLine(() => this.ranking.moveLine(1)),
      compare: () => this.openCompare(target),
      expand: () => toggleUnfolded(this.cardOf(target)),
      pin: () => this.pin(target),
    };
    return actions[action] ? actions[action]() : false;
  }

  findIn(event) {
    const letter = this.letterAt(event) || this.lit;
    return { card: this.cardOf(letter), name: `response ${letter}` };
  }

  // --- acting -------------------------------------------------------------------------------------------------------

  /** A button on a card speaks of that card; a key speaks of the lit one. */
  letterAt(event) {
    const card = event && event.type === "click" ? event.target.closest(".card") : null;
    return card ? card.dataset.letter : null;
  }

  onLetter(letter) {
    if (!this.letters.includes(letter)) return false;
    return this.compare.isChoosing ? this.compare.chosen(letter) : this.light(letter);
  }

  /** Keeps a response in sight while the others go by; one at a time. */
  pin(letter) {
    this.pinned = this.pinned === letter ? null : letter;
    byId("cards").classList.toggle("has-pin", this.pinned !== null);
    this.light(letter);
    announce(this.pinned ? `Response ${letter} stays in sight.` : `Response ${letter} scrolls with the others again.`);
  }

  openCompare(letter) {
    const isNarrow = getComputedStyle(byId("tabs")).display !== "none";
    const other = this.letters.find((each) => each !== letter);
    return isNarrow ? this.compare.open(letter, other, { words: false }) : this.compare.choose(letter);
  }

  onDigit(letter, digit, event) {
    if (this.isPair && event && event.type === "keydown") {
      if (digit >= 1 && digit <= 7) this.setPoint(digit - 4);
      return;
    }
    if (digit < 1 || digit > this.letters.length) return;
    const goOn = this.ranking.laneOf(letter) < 0;
    this.apply(letter, () => this.ranking.place(letter, digit - 1), { goOn });
  }

  onArrow(direction, event) {
    // Arrows belong to the radio buttons of a scale and to boxes that scroll.
    if (event && event.target.closest("input, pre, .scroll, .asks")) return false;
    if (!this.isPair) return this.lightNeighbour(direction === "left" || direction === "up" ? -1 : 1);
    if (direction === "up") return this.bothBad();
    if (direction === "down") return this.setPoint(0);
    return this.setPoint(stepPoint(this.ranking.point(), direction === "left" ? -1 : 1, event && event.shiftKey));
  }

  setPoint(point) {
    const [left, right] = this.letters;
    const better = point === 0 ? null : point < 0 ? left : right;
    this.ranking.decide(better, Math.abs(point));
    this.settle(`${pointText(point, this.letters)}.`);
  }

  bothBad() {
    this.ranking.decideBothBad();
    this.settle("Both are not acceptable.");
  }

  settle(sentence) {
    this.draw();
    announce(sentence);
    this.onChange();
  }

  apply(letter, change, { goOn = false } = {}) {
    const before = this.ranking.snapshot();
    this.lit = letter;
    change();
    const next = goOn ? this.nextUnranked(letter) : null;
    this.draw();
    if (this.ranking.snapshot() !== before) {
      announce(describePlace(this.ranking, letter) + (next ? ` Response ${next} is next.` : ""));
      this.onChange();
    }
    this.light(next || letter);
  }

  /** False when there is nothing left to undo here: the screen may then undo the last submit. */
  travel(direction) {
    if (!this.ranking[direction]()) return "nothing";
    this.settle(`${direction === "undo" ? "Undone" : "Redone"}. ${describeAll(this.ranking)}`);
    return undefined;
  }

  moveLine(move) {
    move();
    this.settle(describeBad(this.ranking));
  }

  cycle(upper, lower) {
    const strength = this.ranking.cycleStrength([...upper], [...lower]);
    this.settle(`${listLetters(upper)} over ${listLetters(lower)}: ${STRENGTH_TEXT[strength] || "strength not given"}.`);
  }

  drop(letter, { lane, gap, below }) {
    this.apply(letter, () => {
      if (lane !== undefined) this.ranking.place(letter, Number(lane));
      else if (gap !== undefined) this.ranking.insert(letter, Number(gap));
      else if (below !== undefined) this.ranking.putBelowLine(letter);
      else this.ranking.unrank(letter);
    });
  }

  nextUnranked(letter) {
    const from = this.letters.indexOf(letter);
    const around = [...this.letters.slice(from + 1), ...this.letters.slice(0, from)];
    return around.find((other) => this.ranking.laneOf(other) < 0) || null;
  }

  light(letter, inside = null) {
    this.lit = letter;
    this.drawCards();
    const card = this.cardOf(letter);
    (inside || card).focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  lightNeighbour(step) {
    const at = (this.letters.indexOf(this.lit) + step + this.letters.length) % this.letters.length;
    return this.light(this.letters[at]);
  }

  // --- drawing ------------------------------------------------------------------------------------------------------

  buildCards({ responses }) {
    const count = this.letters.length;
    byId("cards").dataset.count = String(count);
    byId("cards").classList.remove("has-pin");
    byId("cards").replaceChildren(...responses.map((response) => buildCard({
      response, count, scales: this.scores.of(response.letter),
      onLight: (letter) => this.light(letter), onFocus: (letter) => this.onFocus(letter),
    })));
    for (const node of document.querySelectorAll("[data-last-letter]")) node.textContent = this.letters.at(-1);
    for (const node of document.querySelectorAll("[data-last-digit]")) node.textContent = String(count);
  }

  buildDock() {
    document.body.classList.toggle("pair", this.isPair);
    this.bar = this.isPair ? new PairBar({ ranking: this.ranking, onPoint: (point) => this.setPoint(point), onBothBad: () => this.bothBad() }) : null;
    this.dock = this.isPair ? null : new RankDock({
      ranking: this.ranking,
      onDrop: (letter, place) => this.drop(letter, place),
      onLight: (letter) => this.light(letter),
      onCycle: (upper, lower) => this.cycle(upper, lower),
      onLine: (at) => this.moveLine(() => this.ranking.setLine(at)),
    });
  }

  onFocus(letter) {
    if (this.lit === letter) return;
    this.lit = letter;
    this.drawCards();
  }

  cardOf(letter) {
    return byId(`card-${letter}`);
  }

  draw() {
    if (this.dock) this.dock.draw(this.lit);
    else this.bar.draw();
    this.drawCards();
  }

  drawCards() {
    for (const letter of this.letters) {
      const lane = this.ranking.laneOf(letter);
      drawCard(this.cardOf(letter), { isLit: letter === this.lit, isPinned: letter === this.pinned, lane, isBad: lane >= this.ranking.line, text: rankText(this.ranking, letter) });
    }
    if (this.dock) this.dock.mark(this.lit);
    drawTabs({ lit: this.lit, rankOf: (letter) => this.rankOf(letter) });
  }

  rankOf(letter) {
    const place = this.ranking.placeOf(letter);
    return { text: rankText(this.ranking, letter), short: place ? `${place.rank}${place.bad ? "✕" : ""}` : "–" };
  }
}

new Screen(new RankKind()).start();
