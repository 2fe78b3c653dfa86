// Find in a response: every match is marked, one at a time is gone to. The text itself stays untouched.

import { el } from "./dom.js";

const BLOCKS = "p, li, pre, td, th, h1, h2, h3, h4, h5, h6, blockquote, div";
let open = null;

export function closeFind() {
  if (!open) return;
  open.bar.remove();
  mark([], -1);
  open = null;
}

/** Opens the field on a card, or goes to it where it is open already. onClose(): where the focus goes back to. */
export function openFind(card, { name, onClose }) {
  if (open && open.card === card) return open.field.select();
  closeFind();
  const field = el("input", { type: "search", "aria-label": `Find in ${name}`, placeholder: "Find", autocomplete: "off", spellcheck: "false" });
  const said = el("span", { class: "quiet-note", role: "status" });
  const button = (text, label, press) => el("button", { type: "button", class: "mini", "aria-label": label, title: label, on: { click: press } }, text);
  const close = () => { closeFind(); onClose(); };
  const bar = el("div", { class: "find", role: "search", "aria-label": `Find in ${name}` }, field, said,
    button("‹", "The match before", () => step(-1)), button("›", "The next match", () => step(1)), button("×", "Close", close));
  open = { card, bar, field, said, ranges: [], at: -1 };
  field.addEventListener("input", () => search());
  field.addEventListener("keydown", (event) => onKey(event, close));
  card.querySelector(".card-head, h2").after(bar);
  field.focus();
  return undefined;
}

function onKey(event, close) {
  if (event.ctrlKey || event.metaKey || (event.key !== "Enter" && event.key !== "Escape")) return;
  event.preventDefault();
  if (event.key === "Escape") close();
  else step(event.shiftKey ? -1 : 1);
}

function search() {
  open.ranges = findRanges(open.card.querySelector(".read"), open.field.value);
  open.at = open.ranges.length ? 0 : -1;
  show();
}

function step(by) {
  const { length } = open.ranges;
  if (!length) return;
  open.at = (open.at + by + length) % length;
  show();
}

function show() {
  const { ranges, at, said, field, card } = open;
  said.textContent = !field.value ? "" : ranges.length ? `${at + 1} of ${ranges.length}` : "nothing";
  mark(ranges, at);
  if (at >= 0) bringIntoSight(card.querySelector(".read"), ranges[at]);
}

/** Without the browser's highlights the match gone to is selected, which marks it too. */
function mark(ranges, at) {
  if (typeof Highlight === "undefined") {
    const selection = window.getSelection();
    selection.removeAllRanges();
    if (at >= 0) selection.addRange(ranges[at]);
    return;
  }
  CSS.highlights.set("found", new Highlight(...ranges));
  CSS.highlights.set("found-now", new Highlight(...ranges.slice(Math.max(at, 0), at + 1)));
}

function bringIntoSight(box, range) {
  const place = range.getBoundingClientRect();
  const frame = box.getBoundingClientRect();
  if (box.scrollHeight > box.clientHeight + 2) box.scrollTop += place.top - frame.top - box.clientHeight / 2;
  const top = range.getBoundingClientRect().top;
  if (top < 80 || top > window.innerHeight - 160) window.scrollBy({ top: top - window.innerHeight / 2 });
}

/** Every place where the words stand, whatever their case; a match may run over bold or code, not over paragraphs. */
export function findRanges(box, wanted) {
  const needle = fold(wanted);
  if (!needle) return [];
  const pieces = textPieces(box);
  const text = fold(pieces.map((piece) => piece.gap + piece.node.data).join(""));
  const ranges = [];
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length)) {
    const range = document.createRange();
    range.setStart(...placeOf(pieces, at));
    range.setEnd(...placeOf(pieces, at + needle.length - 1, 1));
    ranges.push(range);
  }
  return ranges;
}

/** Lower case, letter by letter, so that places stay what they are ("İ" has two in lower case). */
function fold(text) {
  return text.replace(/[^\x00-\x7f]/gu, (letter) => (letter.toLowerCase().length === letter.length ? letter.toLowerCase() : letter)).replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function textPieces(box) {
  const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  const pieces = [];
  let [start, before] = [0, null];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.parentElement.closest("button")) continue;
    const block = node.parentElement.closest(BLOCKS);
    const gap = before && block !== before ? "\n" : "";
    pieces.push({ node, gap, start: start + gap.length });
    start += gap.length + node.data.length;
    before = block;
  }
  return pieces;
}

function placeOf(pieces, at, past = 0) {
  let [low, high] = [0, pieces.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (pieces[middle].start <= at) low = middle;
    else high = middle - 1;
  }
  return [pieces[low].node, at - pieces[low].start + past];
}
