// What the ranking screen says of a ranking, in words for people who read or listen.

import { listLetters, ordinal } from "./dom.js";

export const STRENGTH_TEXT = { 1: "slightly better", 2: "clearly better", 3: "much better" };

export function describePlace(ranking, letter) {
  const place = ranking.placeOf(letter);
  if (!place) return `Response ${letter} is unranked.`;
  const tie = place.tied.length ? `, tied with ${listLetters(place.tied)}` : "";
  return `Response ${letter} is ${ordinal(place.rank)} of ${ranking.tiers().length}${tie}${place.bad ? ", not acceptable" : ""}.`;
}

export function describeAll(ranking) {
  const tiers = ranking.tiers();
  return tiers.length ? `Order: ${tiers.map((tier) => tier.join(" and ")).join(", then ")}.` : "Nothing is ranked.";
}

export function rankText(ranking, letter) {
  const place = ranking.placeOf(letter);
  if (!place) return "not ranked";
  return `${ordinal(place.rank)}${place.tied.length ? ", tied" : ""}${place.bad ? " · not acceptable" : ""}`;
}

export function describeBad(ranking) {
  const bad = ranking.bad();
  return bad.length ? `Not acceptable: ${listLetters(bad)}.` : "Every response is acceptable.";
}
