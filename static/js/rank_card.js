// A response as a card: what it says, where it stands, and a button for everything that keys and drag can do to it.

import { showText, watchOverflow } from "./content.js";
import { el } from "./dom.js";
import { lengthNote } from "./lengths.js";

const MORE = [["up", "↑", "Move up"], ["down", "↓", "Move down"], ["tie", "=", "Tie with the one above"], ["bad", "✕", "Not acceptable"], ["unrank", "↺", "Unrank"]];

export function buildCard({ response, count, scales, onLight, onFocus }) {
  const { letter, html, text: source } = response;
  const text = showText(html);
  const card = el("article", {
    class: "card", id: `card-${letter}`, "data-letter": letter, tabindex: "-1", "aria-labelledby": `name-${letter}`,
    on: { click: (event) => onClick(event, letter, onLight), focusin: () => onFocus(letter) },
  }, head(letter, count), lengthNote(source), text, unfold(letter), ...scales.map((scale) => scale.node), tools(letter, count));
  watchOverflow(card, text);
  return card;
}

function head(letter, count) {
  const compare = count > 1 ? el("button", { type: "button", class: "mini text", "data-action": "compare", "aria-label": `Compare response ${letter}` }, "Compare") : null;
  return el("div", { class: "card-head" },
    el("h2", { id: `name-${letter}` }, el("span", { class: "visually-hidden" }, "Response "), el("span", { class: "badge" }, letter)),
    el("div", { class: "card-tools" }, compare, icon("find", FIND, "Find in", letter), count > 1 ? icon("pin", PIN, "Keep in sight", letter, { "aria-pressed": "false" }) : null),
    el("span", { class: "rank none" }, "not ranked"));
}

const FIND = '<svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="6.8" cy="6.8" r="4.3"/><path d="m10 10 4 4"/></svg>';
const PIN = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M5 2h6l-.8 5 2.3 2.5h-9L5.800 7zM8 9.500V14"/></svg>';

function icon(action, html, label, letter, more = {}) {
  return el("button", { type: "button", class: "mini icon", "data-action": action, "aria-label": `${label}: response ${letter}`, title: label, html, ...more });
}

function unfold(letter) {
  return el("button", { type: "button", class: "mini text unfold", "data-action": "expand", "aria-expanded": "false", "aria-label": `Whole text of response ${letter}` }, "Whole text");
}

function tools(letter, count) {
  const button = (action, text, label, value) => el("button", {
    type: "button", class: "mini", "data-action": action, "data-value": value, "aria-label": `${label}, response ${letter}`, title: label,
  }, text);
  const ranks = Array.from({ length: count }, (_, index) => button("digit", String(index + 1), `Rank ${index + 1}`, index + 1));
  return el("div", { class: "tools", role: "group", "aria-label": `Rank response ${letter}` },
    el("span", { class: "ranks" }, ...ranks),
    el("span", { class: "more" }, ...MORE.map(([action, text, label]) => button(action, count === 2 && action === "bad" ? label : text, label))));
}

function onClick(event, letter, onLight) {
  if (event.target.closest("button, a, input, label, pre, textarea, summary") || String(window.getSelection())) return;
  onLight(letter);
}

/** Shows where the response stands, and whether it is the lit one. */
export function drawCard(card, { isLit, isPinned, lane, isBad, text }) {
  card.classList.toggle("on", isLit);
  card.classList.toggle("pinned", isPinned);
  card.querySelector("[data-action=pin]")?.setAttribute("aria-pressed", String(isPinned));
  card.tabIndex = isLit ? 0 : -1;
  const rank = card.querySelector(".rank");
  rank.textContent = text;
  rank.classList.toggle("none", lane < 0);
  rank.classList.toggle("bad", isBad);
  card.querySelectorAll("[data-action=digit]").forEach((node, index) => node.setAttribute("aria-pressed", String(index === lane)));
  card.querySelector("[data-action=bad]").setAttribute("aria-pressed", String(isBad));
}

export function toggleUnfolded(card) {
  const isOpen = card.classList.toggle("unfolded");
  const button = card.querySelector(".unfold");
  button.setAttribute("aria-expanded", String(isOpen));
  button.textContent = isOpen ? "Fold" : "Whole text";
}

export function scrollCard(card, direction) {
  const text = card.querySelector(".read");
  if (text.scrollHeight <= text.clientHeight + 2) return false;
  text.scrollBy({ top: direction * text.clientHeight * 0.85 });
  return true;
}
