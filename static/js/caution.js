// A calm word before an answer goes out that came faster than anybody reads, or that repeats the same order once more.
// It follows the rules by which the server records such signs (annotation/quality/signals.py) and holds nobody up.

import { announce } from "./dom.js";

const AGAIN_MS = 500;
const BEFORE = {
  too_fast: "That was quicker than these texts can be read. If you are sure, submit as usual.",
  as_shown: "The order shown, once more in a row. If that is how you see it, submit as usual.",
  same_place: "The best one at the same place, once more in a row. If that is how you see it, submit as usual.",
};
const AFTER = {
  too_fast: "That was quicker than these texts can be read.",
  as_shown: "It was the order shown, once more in a row.",
  same_place: "The best one was at the same place, once more in a row.",
};

/** What is said of an answer once it is stored, from the warnings that the server gave it. */
export function sayAfter(warnings = []) {
  return warnings.length ? `Saved. ${AFTER[warnings[0]] || ""}`.trim() : "Saved.";
}

export class Caution {
  /** read(): {answer, isReady} as it stands, or null while nothing can be submitted. */
  constructor({ place, charactersPerSecond, habits, read }) {
    Object.assign(this, { place, charactersPerSecond, habits, read });
    this.letters = [];
    setInterval(() => this.look(), AGAIN_MS);
  }

  open({ responses }) {
    this.letters = responses.map((response) => response.letter);
    this.characters = responses.reduce((sum, response) => sum + [...response.text].length, 0);
    this.look();
  }

  /** What the acknowledgement of the last answer says of the next one. */
  learn(habits) {
    if (habits) this.habits = habits;
  }

  /** Says it, and takes it back once it does not hold any more. */
  look() {
    const answer = this.read();
    const [sign] = answer ? this.signs(answer) : [];
    const sentence = BEFORE[sign] || "";
    if (this.place.textContent === sentence) return;
    this.place.textContent = sentence;
    this.place.hidden = !sentence;
    if (sentence) announce(sentence);
  }

  signs({ tiers, active_ms: activeMs }) {
    const found = activeMs < (1000 * this.characters) / this.charactersPerSecond ? ["too_fast"] : [];
    if (!tiers || !this.habits) return found;
    if (this.isAsShown(tiers) && this.reaches(this.habits.as_shown_from)) found.push("as_shown");
    else if (this.isBestAt(tiers, this.habits.place) && this.reaches(this.habits.place_from)) found.push("same_place");
    return found;
  }

  reaches(fewest) {
    return fewest !== null && this.letters.length >= fewest;
  }

  isAsShown(tiers) {
    return tiers.length === this.letters.length && this.letters.every((letter, at) => tiers[at].length === 1 && tiers[at][0] === letter);
  }

  isBestAt(tiers, place) {
    return place !== null && tiers.length > 0 && tiers[0].length === 1 && tiers[0][0] === this.letters[place];
  }
}
