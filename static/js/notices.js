// What the page tells people beside the task: a toast that passes, a banner that stays until its cause is gone.

import { announce, el } from "./dom.js";

const TOAST_MS = 10000;
const place = (id) => document.getElementById(id);
let passing = null;

/** A toast lasts ten seconds; as long as it is there, its action can be taken. */
export function showToast(sentence, { action, actionText, key, stays = false } = {}) {
  const toast = el("div", { class: "toast" }, el("span", {}, sentence));
  if (action) {
    const button = el("button", { type: "button", class: "btn small", on: { click: () => { hideToast(); action(); } } }, actionText);
    if (key) button.append(" ", el("kbd", {}, key));
    toast.append(button);
  }
  toast.append(el("button", { type: "button", class: "btn quiet small", "aria-label": "Dismiss", on: { click: hideToast } }, "×"));
  place("toasts").replaceChildren(toast);
  announce(action ? `${sentence} ${actionText}${key ? `: ${key}` : ""}.` : sentence);
  clearTimeout(passing && passing.timer);
  passing = { action, timer: stays ? null : setTimeout(hideToast, TOAST_MS) };
}

export function hideToast() {
  if (passing) clearTimeout(passing.timer);
  passing = null;
  place("toasts").replaceChildren();
}

/** Takes the action of the toast that is there; false if there is none. */
export function takeToastAction() {
  const action = passing && passing.action;
  if (!action) return false;
  hideToast();
  action();
  return true;
}

export function showBanner(sentence, { action, actionText, second, secondText, link, linkText, tone = "warning" } = {}) {
  const banner = place("banner");
  const button = (text, handler) => el("button", { type: "button", class: "btn small", on: { click: handler } }, text);
  banner.className = `notice ${tone} banner`;
  banner.replaceChildren(el("span", {}, sentence));
  if (action) banner.append(button(actionText, action));
  if (second) banner.append(button(secondText, second));
  if (link) banner.append(el("a", { href: link, target: "_blank", rel: "noopener" }, linkText));
  banner.hidden = false;
  announce(sentence);
}

export function hideBanner() {
  place("banner").hidden = true;
}
