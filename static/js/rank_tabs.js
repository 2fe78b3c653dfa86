// Where the window has room for one response at a time, a row of letters chooses which.

import { el } from "./dom.js";

const byId = (id) => document.getElementById(id);

export function buildTabs({ letters, onLight, onCompare }) {
  const tabs = letters.map((letter) => el("button", { type: "button", class: "tab", "data-tab": letter, on: { click: () => onLight(letter) } },
    el("span", { class: "visually-hidden" }, "Response "), el("b", {}, letter),
    el("span", { class: "tab-rank", "aria-hidden": "true" }), el("span", { class: "visually-hidden tab-said" })));
  byId("tabs").replaceChildren(...tabs, el("button", { type: "button", class: "tab compare", on: { click: onCompare } }, "Compare"));
}

export function drawTabs({ lit, rankOf }) {
  for (const tab of document.querySelectorAll("#tabs [data-tab]")) {
    const letter = tab.dataset.tab;
    tab.setAttribute("aria-pressed", String(letter === lit));
    tab.querySelector(".tab-said").textContent = `, ${rankOf(letter).text}`;
    tab.querySelector(".tab-rank").textContent = rankOf(letter).short;
  }
}
