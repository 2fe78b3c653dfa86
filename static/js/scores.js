// All scales of a task: one for each criterion and response.

import { Scale } from "./scales.js";

export class Scores {
  constructor({ criteria, letters, onChange }) {
    this.scales = letters.flatMap((letter) => criteria.map(
      (criterion) => new Scale({ criterion, letter, named: letters.length > 1, onChange: () => onChange() })
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

  load(scores) {
    for (const scale of this.scales) scale.show((scores[scale.criterion.name] || {})[scale.letter]);
  }

  missing() {
    return this.scales.filter((scale) => scale.isMissing());
  }

  hasNumber() {
    return this.scales.some((scale) => typeof scale.value === "number");
  }
}
