"""PURE. The sections of a report in the words and rows of their pages."""

from collections.abc import Mapping, Sequence
from typing import Any

EFFECTS = {
    "position": "Prefers what was shown earlier",
    "first_seen": "Extra share of the best place for what was shown first",
    "length": "Prefers the longer response",
    "format": "Prefers more Markdown",
    "ties": "Ties two responses",
    "speed": "Median seconds a ranking",
}
PULLS = {
    "position": ("what was shown earlier wins", "what was shown later wins"),
    "first_seen": ("what was shown first ends up on top too often", "what was shown first ends up on top too rarely"),
    "length": ("the longer response wins", "the shorter response wins"),
    "format": ("the response with more Markdown wins", "the response with less Markdown wins"),
}
CHECKS = {
    "empty_prompts": "Empty prompts",
    "duplicate_prompts": "Prompts that stand twice",
    "near_duplicate_prompts": "Prompts that nearly stand twice",
    "empty_responses": "Empty responses",
    "stopped_at_length": "Responses stopped at the sampler's length",
    "cut_off_responses": "Responses that end in mid-sentence",
    "duplicate_responses": "Equal responses to one prompt",
    "near_duplicate_responses": "Nearly equal responses to one prompt",
    "responses_of_several_prompts": "Responses that answer several prompts",
    "own_contradictions": "Opposite choices by one person",
    "equal_texts_ranked_apart": "Equal texts ranked apart",
    "circles": "Circles: a over b over c over a",
    "dead_heats": "Dead heats between two responses",
    "responses_that_repeat_the_prompt": "Responses that repeat the prompt",
    "flagged_tasks": "Flagged tasks",
    "tasks_without_a_good_response": "Tasks without a good response",
    "effective_prompts": "Different prompts in effect",
    "loose_clusters": "Prompts, alike ones counted once",
    "domains": "Domains (tags)",
    "sources": "Sources",
    "outcomes": "Outcomes",
    "positions": "Positions",
}
WORRYING = ("clean", "consistent", "relevant")
UNDEFINED = "not known"


def describe_consensus(report: Mapping[str, Any]) -> str:
    """The finding in a sentence."""
    sources = (report["leaderboard"] or {"sources": []})["sources"]
    if not sources:
        return "Not enough to compare sources." if report["crowd"] else "Nobody has compared two responses yet."
    best = sources[0]
    if len(sources) == 1 or best["worst_rank"] == 1:
        return f"People prefer {best['source']}, beyond doubt."
    rivals = sum(each["best_rank"] == 1 for each in sources)
    return f"{best['source']} leads, but {rivals} sources could be the best."


def describe_bias(report: Mapping[str, Any]) -> str:
    """What the project's choices lean to, as far as the intervals leave no doubt."""
    leaning = [words for each in report["project"] if (words := _pull(each)) is not None]
    if not any(each["value"] is not None for each in report["project"]):
        return "Nothing is known about bias yet."
    if not leaning:
        return "No leaning that the numbers could show."
    return f"Choices lean: {'; '.join(leaning)}."


def _pull(effect: Mapping[str, Any]) -> str | None:
    if effect["low"] is None or effect["baseline"] is None or effect["effect"] not in PULLS:
        return None
    more, less = PULLS[effect["effect"]]
    number = "" if effect["effect"] == "first_seen" else f" {effect['value']:.0%} of the time"
    if effect["low"] > effect["baseline"]:
        return f"{more}{number}"
    # Told from the other side: the share of the times that it did.
    turned = "" if effect["effect"] == "first_seen" else f" {1 - effect['value']:.0%} of the time"
    return f"{less}{turned}" if effect["high"] < effect["baseline"] else None


def format_effect(effect: Mapping[str, Any]) -> str:
    """The number in its unit."""
    if effect["value"] is None:
        return UNDEFINED
    if effect["effect"] == "speed":
        return f"{effect['value']:.1f} s"
    return f"{effect['value']:+.0%}" if effect["effect"] == "first_seen" else f"{effect['value']:.0%}"


def format_range(effect: Mapping[str, Any]) -> str:
    """Its interval in its unit; a dash where there is none."""
    if effect["low"] is None:
        return "–"
    return " to ".join(_format_end(effect, end) for end in ("low", "high"))


def table_effects(effects: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Effects with names and numbers that people read."""
    return [
        {
            **each,
            "name": EFFECTS[each["effect"]],
            "shown": format_effect(each),
            "range": format_range(each),
            **{f"{end}_shown": _format_end(each, end) for end in ("low", "high")},
        }
        for each in effects
    ]


def _format_end(effect: Mapping[str, Any], end: str) -> str:
    return "–" if effect[end] is None else format_effect({**effect, "value": effect[end]})


def describe_health(report: Mapping[str, Any]) -> str:
    """How many checks found something."""
    judged = [each for each in report["checks"] if each["dimension"] in WORRYING and each["count"] is not None]
    found = sum(each["count"] > 0 for each in judged)
    if not found:
        return "Nothing wrong was found."
    return f"{found} of {len(judged)} checks found something to look at."


def table_checks(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The checks by dimension: [{dimension, checks}]."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for each in report["checks"]:
        worry = each["dimension"] in WORRYING and bool(each["count"])
        groups.setdefault(each["dimension"], []).append({**each, "name": CHECKS[each["check"]], "is_worry": worry})
    return [{"dimension": name, "checks": checks} for name, checks in groups.items()]
