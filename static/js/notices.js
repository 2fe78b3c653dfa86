// What the page tells people beside the task: a toast that passes, a banner that stays until its cause is gone.

import { announce, el } from "./dom.js";

const TOAST_MS = 10000;

export function showToast(sentence, { link, linkText, stays = false } = {}) {
  const place = document.getElementById("toasts");
  const toast = el("div", { class: "toast" }, el("span", {}, sentence));
  if (link) toast.append(el("a", { href: link }, linkText));
  toast.append(el("button", { type: "button", class: "btn quiet small", "aria-label": "Dismiss", on: { click: () => toast.remove() } }, "×"));
  place.replaceChildren(toast);
  announce(sentence);
  if (!stays) setTimeout(() => toast.remove(), TOAST_MS);
}

export function showBanner(sentence, { action, actionText, link, linkText, tone = "warning" } = {}) {
  const banner = document.getElementById("banner");
  banner.className = `notice ${tone} banner`;
  banner.replaceChildren(el("span", {}, sentence));
  if (action) banner.append(el("button", { type: "button", class: "btn small", on: { click: action } }, actionText));
  if (link) banner.append(el("a", { href: link, target: "_blank", rel: "noopener" }, linkText));
  banner.hidden = false;
  announce(sentence);
}

export function hideBanner() {
  document.getElementById("banner").hidden = true;
}
