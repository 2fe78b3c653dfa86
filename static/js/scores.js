// All scales of a task: one for each criterion and response.

import { Scale } from "./scales.js";

export class Scores {
  constructor({ criteria, letters, onChange }) {
    this.scales = letters.flatMap((letter) => criteria.map(
      (criterion) => new Scale({ criterion, letter, named: letters.length > 1, onChange: () => onChange(), hasReason: letters.length === 1 })
    ));
  }

  of(letter) {
    return this.scales.filter((scale) => scale.letter === letter);
  }

  answer() {
    const scores = {};
    for (const { criterion, letter, value } of this.scales) {
      if (value === undefined) continue;
      scores[criterion.name] = { ...scores[criterion.name], [letter]: value };
    }
    return scores;
  }

  /** {criterion: why}, as far as something was written. */
  rationales() {
    const written = this.scales.filter((scale) => scale.reason && scale.reason.value.trim());
    return Object.fromEntries(written.map((scale) => [scale.criterion.name, scale.reason.value]));
  }

  load(scores, rationales = {}) {
    for (const scale of this.scales) {
      scale.show((scores[scale.criterion.name] || {})[scale.letter]);
      if (scale.reason && rationales[scale.criterion.name]) scale.showReason(rationales[scale.criterion.name]);
    }
  }

  missing() {
    return this.scales.filter((scale) => scale.isMissing());
  }

  hasNumber() {
    return this.scales.some((scale) => typeof scale.value === "number");
  }
}
