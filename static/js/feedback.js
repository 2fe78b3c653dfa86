// What a person is told at once: the known answer of a practice task, and how a test ended.

import { el } from "./dom.js";

/** Shows it and waits until it is closed; without feedback it goes on at once. */
export function showFeedback(feedback) {
  if (!feedback) return Promise.resolve();
  const dialog = el("dialog", { class: "feedback", "aria-labelledby": "feedback-title" },
    el("h2", { id: "feedback-title" }, feedback.about === "test" ? titleOfTest(feedback) : titleOfPractice(feedback)),
    ...(feedback.about === "test" ? aboutTest(feedback) : aboutPractice(feedback)),
    el("form", { method: "dialog" }, el("div", { class: "acts" }, el("button", { class: "btn primary", autofocus: "" }, "Go on"))),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => { dialog.remove(); resolve(); }, { once: true }));
}

/** Where somebody stands before normal work begins, in the place of the progress; nothing in normal work. */
export function showStage(stage) {
  const box = document.querySelector(".judge-progress");
  let place = document.getElementById("stage");
  if (!place) {
    place = el("b", { id: "stage" });
    box.prepend(place);
  }
  place.textContent = stage ? describeStage(stage) : "";
  place.hidden = !stage;
  for (const node of box.querySelectorAll("progress, span:has([data-done])")) node.hidden = Boolean(stage);
}

function describeStage({ name, done, of }) {
  const place = `${Math.min(done + 1, of)} of ${of}`;
  return name === "test" ? `Test: task ${place}` : `Practice: task ${place}, it does not count`;
}

const percent = (share) => `${Math.round(100 * share)}%`;

function titleOfPractice({ right }) {
  if (right === null) return "This is how we see it";
  if (right > 0.999) return "Just right";
  return right > 0.5 ? "Nearly" : "Here is what to look for";
}

function aboutPractice({ tiers, scores, explanation_html: explanation }) {
  const known = tiers.length
    ? [el("p", {}, "The known order, best first: ", el("b", {}, tiers.map((tier) => tier.join(" = ")).join(" > ")))]
    : Object.entries(scores).map(([name, byLetter]) => el("p", {}, `${name}: `, el("b", {}, Object.values(byLetter).map((value) => (value === null ? "not applicable" : String(value))).join(", "))));
  return [...known, el("div", { class: "read", dir: "auto", html: explanation })];
}

const titleOfTest = ({ passed }) => (passed ? "You passed the test" : "Not passed this time");

function aboutTest({ passed, accuracy, pass_mark: mark, attempts_left: left }) {
  const figures = `${percent(accuracy)} of your answers were right; ${percent(mark)} are asked for.`;
  if (passed) return [el("p", {}, `${figures} From here on your work counts.`)];
  const next = left ? `You can try again${left > 1 ? `, ${left} times` : ""}: read the guidelines once more first.` : "A manager of the project can tell you how to go on.";
  return [el("p", {}, `${figures} ${next}`)];
}
