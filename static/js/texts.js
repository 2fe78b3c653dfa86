// What the judging screen shows besides controls: the messages of a prompt, and why there is no work.

import { showText } from "./content.js";
import { el } from "./dom.js";

const REASONS = {
  all_done: "Nothing is left to judge in this project. Thank you.",
  you_did_all: "You have judged everything that is open to you. The rest waits for other people.",
  all_leased_until: "Every open task is being judged by somebody else right now.",
  qualification_missing: "The open tasks ask for a passed test or for a skill that you do not have here yet. A manager can tell you how to go on.",
  paused: "A manager has paused your work in this project for now.",
  closed: "This project is closed for judging at the moment.",
};

function explainNoWork(reason, until) {
  const wait = until ? ` The next one may be free at ${new Date(until).toLocaleTimeString()}.` : "";
  return (REASONS[reason] || "There is no task for you right now.") + wait;
}

const byId = (id) => document.getElementById(id);

export function showNoWork({ reason, until, explanation }) {
  byId("work").hidden = byId("dock").hidden = true;
  byId("no-work").hidden = false;
  byId("no-work-reason").textContent = explanation || explainNoWork(reason, until);
  byId("no-work-title").focus();
}

/** The guideline wherever the page shows it; `html` was sanitised by the server. */
export function showGuideline(html) {
  for (const place of document.querySelectorAll("[data-guideline]")) {
    place.innerHTML = html;
    place.closest("[data-guideline-box]").hidden = !html;
  }
  byId("guidelines-button").hidden = !html;
}

const ROLES = { user: "Person", assistant: "Model", system: "Instruction to the model", tool: "Tool" };
const SHOWN_TURNS = 3;

/** The messages of a prompt: a long conversation shows its last turns, earlier ones unfold at a click. */
export function showPrompt(messages) {
  const early = messages.length > SHOWN_TURNS + 1 ? messages.slice(0, -SHOWN_TURNS) : [];
  const late = messages.slice(early.length).map((message) => showMessage(message, messages));
  if (!early.length) return late;
  const summary = el("summary", {}, `${early.length} earlier turns`);
  return [el("details", { class: "earlier" }, summary, ...early.map((message) => foldMessage(message))), ...late];
}

/** One message; a prompt of a single message from a person needs no heading. */
function showMessage({ role, html }, messages) {
  const isSole = messages.length === 1 && role === "user";
  const heading = isSole ? null : el("p", { class: "turn-role" }, ROLES[role] || role);
  return el("div", { class: `turn ${role}` }, heading, showText(html));
}

function foldMessage({ role, html, content }) {
  const beginning = content.replace(/\s+/g, " ").slice(0, 80);
  return el("details", { class: `turn ${role}` },
    el("summary", { dir: "auto" }, el("b", { class: "turn-role" }, ROLES[role] || role), ` ${beginning}`), showText(html));
}
