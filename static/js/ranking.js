// The ranking that a person is making: lanes from best to worst, ties inside a lane, a line below which nothing is
// acceptable, and everything else still unranked. Holds no element of the page.
//
// There are as many lanes as responses, so a digit always means the same lane; empty lanes vanish from the answer.

export const STRENGTHS = [null, 1, 2, 3];

export class Ranking {
  constructor(letters) {
    this.letters = [...letters];
    this.lanes = letters.map(() => []);
    this.line = letters.length;
    this.strengths = {};
    this.past = [];
    this.future = [];
  }

  // --- what it says -------------------------------------------------------------------------------------------------

  tiers() {
    return this.lanes.filter((lane) => lane.length > 0);
  }

  unranked() {
    const ranked = new Set(this.lanes.flat());
    return this.letters.filter((letter) => !ranked.has(letter));
  }

  bad() {
    return this.lanes.slice(this.line).flat();
  }

  laneOf(letter) {
    return this.lanes.findIndex((lane) => lane.includes(letter));
  }

  /** {rank: 1 for the best tier, tied: [letters], bad} or null while unranked. */
  placeOf(letter) {
    const lane = this.laneOf(letter);
    if (lane < 0) return null;
    const rank = this.lanes.slice(0, lane + 1).filter((other) => other.length > 0).length;
    return { rank, tied: this.lanes[lane].filter((other) => other !== letter), bad: lane >= this.line };
  }

  isComplete() {
    return this.unranked().length === 0;
  }

  gapName(upper, lower) {
    return `${[...upper].sort().join("")}>${[...lower].sort().join("")}`;
  }

  strengthBetween(upper, lower) {
    return this.strengths[this.gapName(upper, lower)] || null;
  }

  answer() {
    const tiers = this.tiers();
    const strength = tiers.slice(1).map((lower, index) => this.strengthBetween(tiers[index], lower));
    return {
      tiers: tiers.map((tier) => [...tier]),
      bad: this.bad(),
      unranked: this.unranked(),
      strength: strength.some((step) => step !== null) ? strength : null,
    };
  }

  // --- what people do to it -----------------------------------------------------------------------------------------

  place(letter, lane) {
    this.change(() => {
      this.take(letter);
      this.lanes[lane].push(letter);
      this.lanes[lane].sort();
    });
  }

  /** Puts the letter into a tier of its own in front of lane `at`. */
  insert(letter, at) {
    this.change(() => this.insertNow(letter, at));
  }

  unrank(letter) {
    this.change(() => this.take(letter));
  }

  /** One tier up: out of a tie first, then past the tier above. */
  moveUp(letter) {
    const lane = this.laneOf(letter);
    if (lane < 0) return;
    if (this.lanes[lane].length > 1) return this.insert(letter, lane);
    const above = this.neighbour(lane, -1);
    if (above !== null) this.insert(letter, above);
  }

  moveDown(letter) {
    const lane = this.laneOf(letter);
    if (lane < 0) return;
    if (this.lanes[lane].length > 1) return this.insert(letter, lane + 1);
    const below = this.neighbour(lane, 1);
    if (below !== null) this.insert(letter, below + 1);
  }

  tieUp(letter) {
    const lane = this.laneOf(letter);
    const above = lane < 0 ? null : this.neighbour(lane, -1);
    if (above !== null) this.place(letter, above);
  }

  /** Below the line, tied with the worst there; from below the line back above it. */
  toggleBad(letter) {
    const place = this.placeOf(letter);
    this.change(() => {
      if (place && place.bad) {
        this.insertNow(letter, this.line);
        this.line = this.laneOf(letter) + 1;
        return;
      }
      const worst = this.bad().filter((other) => other !== letter).at(-1);
      this.take(letter);
      if (worst) this.lanes[this.laneOf(worst)].push(letter);
      else {
        this.insertNow(letter, this.lanes.length);
        this.line = this.laneOf(letter);
      }
    });
  }

  /** Moves the line over one tier: -1 makes one more tier unacceptable, 1 one fewer. */
  moveLine(step) {
    const filled = this.lanes.map((lane, index) => (lane.length ? index : -1)).filter((index) => index >= 0);
    const above = filled.filter((index) => index < this.line);
    const below = filled.filter((index) => index >= this.line);
    if (step < 0 && above.length) this.change(() => { this.line = above.at(-1); });
    if (step > 0 && below.length) this.change(() => { this.line = below.length > 1 ? below[1] : this.lanes.length; });
  }

  /** Puts the line in front of lane `at`; over nothing that is ranked, it is no line. */
  setLine(at) {
    this.change(() => { this.line = Math.max(0, Math.min(at, this.lanes.length)); });
  }

  /** Below the line, tied with the worst there; nothing changes for what is below it. */
  putBelowLine(letter) {
    const place = this.placeOf(letter);
    if (!place || !place.bad) this.toggleBad(letter);
  }

  /** Of two responses: which is better and how much (1 to 3), or null for a tie. */
  decide(better, strength) {
    const [left, right] = this.letters;
    const worse = better === left ? right : left;
    const wasBad = this.bad();
    this.change(() => {
      this.lanes = better ? [[better], [worse]] : [[left, right], []];
      this.line = better && wasBad.includes(worse) && !wasBad.includes(better) ? 1 : this.lanes.length;
      this.strengths = better ? { [this.gapName([better], [worse])]: strength } : {};
    });
  }

  decideBothBad() {
    this.change(() => {
      this.lanes = [[...this.letters], []];
      this.line = 0;
      this.strengths = {};
    });
  }

  /** Of two responses: -3 the left one is much better, 0 tie, 3 the right one, null nothing (or no strength) said. */
  point() {
    const tiers = this.tiers();
    if (this.unranked().length || this.letters.length !== 2) return null;
    if (tiers.length === 1) return this.bad().length ? null : 0;
    const strength = this.strengthBetween(tiers[0], tiers[1]);
    return strength === null ? null : strength * (tiers[0][0] === this.letters[0] ? -1 : 1);
  }

  cycleStrength(upper, lower) {
    const name = this.gapName(upper, lower);
    const next = STRENGTHS[(STRENGTHS.indexOf(this.strengths[name] || null) + 1) % STRENGTHS.length];
    this.change(() => { this.strengths = { ...this.strengths, [name]: next }; });
    return next;
  }

  undo() {
    return this.travel(this.past, this.future);
  }

  redo() {
    return this.travel(this.future, this.past);
  }

  /** Takes over an answer with letters, for instance a draft; answers of another set of letters are refused. */
  load(answer) {
    const given = [...(answer.tiers || []).flat(), ...(answer.unranked || [])].sort().join("");
    if (given !== [...this.letters].sort().join("")) return false;
    const tiers = answer.tiers || [];
    const bad = new Set(answer.bad || []);
    this.lanes = this.letters.map((_, index) => [...(tiers[index] || [])]);
    const first = this.lanes.findIndex((lane) => lane.some((letter) => bad.has(letter)));
    this.line = first < 0 ? this.letters.length : first;
    this.strengths = {};
    (answer.strength || []).forEach((step, index) => {
      if (tiers[index + 1]) this.strengths[this.gapName(tiers[index], tiers[index + 1])] = step;
    });
    this.past = [];
    this.future = [];
    return true;
  }

  // --- inside -------------------------------------------------------------------------------------------------------

  snapshot() {
    return JSON.stringify({ lanes: this.lanes, line: this.line, strengths: this.strengths });
  }

  change(action) {
    const before = this.snapshot();
    action();
    if (this.lanes.slice(this.line).flat().length === 0) this.line = this.lanes.length;
    if (this.snapshot() === before) return;
    this.past.push(before);
    this.future = [];
  }

  travel(from, to) {
    if (from.length === 0) return false;
    to.push(this.snapshot());
    Object.assign(this, JSON.parse(from.pop()));
    return true;
  }

  take(letter) {
    this.lanes = this.lanes.map((lane) => lane.filter((other) => other !== letter));
  }

  neighbour(lane, step) {
    for (let index = lane + step; index >= 0 && index < this.lanes.length; index += step) {
      if (this.lanes[index].length > 0) return index;
    }
    return null;
  }

  insertNow(letter, at) {
    const wasBelow = at > this.line || (at === this.line && this.bad().length > 0 && this.laneOf(letter) >= this.line);
    this.take(letter);
    this.lanes.splice(at, 0, [letter]);
    if (at < this.line || (at === this.line && !wasBelow)) this.line += 1;
    // One lane too many now; there is always an empty one, because no letter stands twice.
    const after = this.lanes.findIndex((lane, index) => index > at && lane.length === 0);
    const spare = after >= 0 ? after : this.lanes.findLastIndex((lane, index) => index < at && lane.length === 0);
    this.lanes.splice(spare, 1);
    if (spare < this.line) this.line -= 1;
  }
}
