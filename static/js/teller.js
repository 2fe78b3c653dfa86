// What the judging screen tells people about the server, in plain sentences.

import { ApiError, NetworkError } from "./http.js";
import { hideBanner, showBanner } from "./notices.js";

const byId = (id) => document.getElementById(id);
const STATES = { new: "", restored: "draft restored", saving: "saving…", offline: "kept in this browser", refused: "draft not saved" };

export function tellFailure(error, again) {
  const retry = { action: () => { hideBanner(); again(); }, actionText: "Try again" };
  if (error instanceof NetworkError) showBanner("No connection to the server. What you did is kept in this browser.", retry);
  else if (!(error instanceof ApiError)) throw error;
  else if (error.status === 401 || (error.status === 403 && error.code !== "not_permitted")) {
    showBanner("You are signed out. Sign in again in a new tab, then reload this page; what you did is kept here.", { link: "/", linkText: "Sign in" });
  } else {
    const faults = (error.extra.faults || []).map((fault) => `${fault.field}: ${fault.message}`).join("; ");
    showBanner(faults ? `${error.message} ${faults}` : error.message, { ...retry, tone: "error" });
  }
}

export function tellOffline(retry) {
  showBanner("No connection. Your answer is safe in this browser and is sent by itself as soon as the connection is back.", { action: retry, actionText: "Send now" });
}

export function tellLeaseLost() {
  showBanner("This task was not touched for long and is no longer reserved for you. You can still submit: if somebody else has taken it, your answer is kept for a manager.");
}

export function tellSubmittedElsewhere({ judgment }, goOn) {
  showBanner("You have already submitted this task, in another tab. Nothing was changed.", {
    action: () => { hideBanner(); goOn(); }, actionText: "Next task", link: `/judgments/${judgment}/edit/`, linkText: "Look at what you submitted",
  });
}

/** mine: what to do when the person wants this window's draft after all. */
export function tellNewerDraft(mine) {
  showBanner("This task is open in another window too, and what you did there is newer.", {
    action: () => window.location.reload(), actionText: "Show the newer one", second: () => { hideBanner(); mine(); }, secondText: "Keep this one",
  });
}

export function tellOtherDraft(show) {
  showBanner("What you see was saved last, in another window. This browser has an older answer of yours as well.", {
    action: () => { hideBanner(); show(); }, actionText: "Show the older one",
  });
}

export function showTime(left) {
  const place = byId("time-left");
  place.hidden = left === null;
  if (left !== null) place.textContent = `reserved for ${Math.floor(left / 60000)}:${String(Math.floor(left / 1000) % 60).padStart(2, "0")}`;
}

export function showDraftState(state, at) {
  byId("draft-state").textContent = state === "saved" ? `draft saved ${at.toLocaleTimeString()}` : STATES[state];
}

export function countOne() {
  for (const node of document.querySelectorAll("[data-done]")) node.textContent = String(Number(node.textContent) + 1);
  const bar = byId("my-progress");
  if (bar) bar.value += 1;
}
