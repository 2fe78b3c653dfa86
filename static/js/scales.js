// The controls for criteria: an anchored scale of radio buttons, or a number field where the scale has too many points.

import { el } from "./dom.js";

const MOST_POINTS = 11;

export function pointsOf(criterion) {
  if (criterion.step === null) return null;
  const count = Math.round((criterion.maximum - criterion.minimum) / criterion.step) + 1;
  if (count > MOST_POINTS) return null;
  return Array.from({ length: count }, (_, index) => Number((criterion.minimum + index * criterion.step).toFixed(6)));
}

/** One criterion for one response. `onChange(value)`: a number, null for "not applicable", undefined for nothing yet. */
export class Scale {
  constructor({ criterion, letter, named, onChange, hasReason = false }) {
    this.criterion = criterion;
    this.letter = letter;
    this.points = pointsOf(criterion);
    this.value = undefined;
    this.onChange = onChange;
    this.name = `score-${criterion.name}-${letter}`;
    const reason = hasReason ? this.reasonBox() : [];
    this.node = el("fieldset", { class: "scale", tabindex: "-1" }, this.legend(named), this.description(), this.controls(), ...reason);
  }

  legend(named) {
    const optional = this.criterion.required ? null : el("span", { class: "optional" }, " optional");
    const whose = named ? el("span", { class: "visually-hidden" }, `, response ${this.letter}`) : null;
    return el("legend", {}, this.criterion.label, whose, optional);
  }

  description() {
    return this.criterion.description ? el("p", { class: "help" }, this.criterion.description) : null;
  }

  controls() {
    const inputs = this.points ? this.points.map((point) => this.radio(point)) : [this.numberField()];
    if (!this.criterion.required) inputs.push(this.radio(null));
    return el("div", { class: this.points ? "points" : "points wide" }, ...inputs);
  }

  radio(point) {
    const text = point === null ? "Not applicable" : this.criterion.anchors[String(point)] || "";
    const input = el("input", {
      type: "radio", name: this.name, value: point === null ? "na" : String(point),
      on: { change: () => this.accept(point) },
    });
    const number = el("b", {}, point === null ? "n/a" : String(point));
    return el("label", { class: point === null ? "point na" : "point", title: text || null }, input, number, text ? el("span", {}, ` ${text}`) : null);
  }

  numberField() {
    const { minimum, maximum, step, label } = this.criterion;
    this.field = el("input", {
      type: "number", min: String(minimum), max: String(maximum), step: step === null ? "any" : String(step),
      "aria-label": `${label}, ${minimum} to ${maximum}`, inputmode: "decimal",
      on: { input: () => this.acceptTyped() },
    });
    return el("div", { class: "number" }, this.field, el("span", { class: "help" }, `${minimum} to ${maximum}`));
  }

  /** A field for why this score was given; it stays folded until it is asked for. */
  reasonBox() {
    const label = `Why? ${this.criterion.label}`;
    this.reason = el("textarea", { rows: "2", maxlength: "20000", "data-reason": this.criterion.name, "aria-label": label, placeholder: "Why this score?" });
    this.reasonPlace = el("div", { class: "reason", hidden: true }, this.reason);
    const button = el("button", { type: "button", class: "mini text why", "aria-label": label, on: { click: () => this.openReason() } }, "Why?");
    return [button, this.reasonPlace];
  }

  openReason() {
    if (!this.reason) return false;
    this.showReason();
    this.reason.focus();
    return undefined;
  }

  showReason(text) {
    if (text !== undefined) this.reason.value = text;
    this.reasonPlace.hidden = false;
    this.node.classList.add("with-reason");
  }

  /** The point before or after the chosen one; from nothing the first or the last. */
  neighbour(step) {
    const places = this.criterion.required ? this.points : [...this.points, null];
    const at = this.value === undefined ? (step > 0 ? -1 : places.length) : places.indexOf(this.value);
    return places[Math.max(0, Math.min(places.length - 1, at + step))];
  }

  acceptTyped() {
    const typed = this.field.value === "" ? undefined : this.field.valueAsNumber;
    const good = typed !== undefined && this.field.validity.valid;
    this.field.setAttribute("aria-invalid", String(typed !== undefined && !good));
    for (const radio of this.node.querySelectorAll("input[type=radio]")) radio.checked = false;
    this.value = good ? typed : undefined;
    this.onChange(this.value);
  }

  accept(value) {
    this.value = value;
    if (this.field) this.field.value = "";
    this.onChange(value);
  }

  /** Shows a value that came from a key or a draft; false if it is not on the scale. */
  show(value) {
    if (value === undefined) return false;
    if (value === null && this.criterion.required) return false;
    if (this.points || value === null) {
      const radio = this.node.querySelector(`input[type=radio][value="${value === null ? "na" : value}"]`);
      if (!radio) return false;
      radio.checked = true;
    } else this.field.value = String(value);
    this.value = value;
    return true;
  }

  isMissing() {
    return this.criterion.required && typeof this.value !== "number";
  }
}
