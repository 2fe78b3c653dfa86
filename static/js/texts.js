// What the judging screen shows besides controls: the messages of a prompt, and why there is no work.

import { el } from "./dom.js";

const REASONS = {
  all_done: "Everything in this project has been judged. Thank you.",
  you_did_all: "You have judged everything that is open to you. The rest waits for other people.",
  all_leased_until: "Every open task is being judged by somebody else right now.",
  qualification_missing: "The open tasks ask for skills that you do not have, or wait for others first.",
  closed: "This project is closed for judging at the moment.",
};

export function explainNoWork(reason, until) {
  const wait = until ? ` The next one may be free at ${new Date(until).toLocaleTimeString()}.` : "";
  return (REASONS[reason] || "There is no task for you right now.") + wait;
}

const ROLES = { user: "Person", assistant: "Model", system: "Instruction to the model" };

/** One message of a conversation; a prompt of a single message from a person needs no heading. */
export function showMessage({ role, html }, _index, messages) {
  const isSole = messages.length === 1 && role === "user";
  const heading = isSole ? null : el("p", { class: "turn-role" }, ROLES[role] || role);
  return el("div", { class: `turn ${role}` }, heading, el("div", { class: "read", dir: "auto", html }));
}
