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


def describe_consensus(report: Mapping[str, Any], *, is_ranking: bool = True) -> str:
    """The finding in a sentence."""
    if not is_ranking:
        return "Single responses are scored here, so no two sources are compared."
    sources = (report["leaderboard"] or {"sources": []})["sources"]
    if len(sources) < 2:
        return "Not enough to compare sources." if report["crowd"] else "Nobody has compared two responses yet."
    best, could_lead = sources[0], [each["source"] for each in sources if each["best_rank"] == 1]
    if best["worst_rank"] == 1:
        return f"People prefer {best['source']} to every other source."
    if len(could_lead) == len(sources):
        return f"No source stands out: any of the {len(sources)} could be the best."
    if len(could_lead) < 2:
        return f"{best['source']} leads, but not surely over every other source."
    rivals = could_lead[1] if len(could_lead) == 2 else f"{len(could_lead) - 1} others"
    return f"{best['source']} leads, but {rivals} could be as good."


def describe_bias(report: Mapping[str, Any], *, is_ranking: bool = True) -> str:
    """What the project's choices lean to, as far as the intervals leave no doubt."""
    if not is_ranking:
        return _describe_severity(report)
    known = [each for each in report["project"] if each["low"] is not None and each["baseline"] is not None]
    pulls = {each["effect"]: each for each in known if each["effect"] in PULLS}
    unknown = "" if "position" in pulls else " Whether the place matters is not known."
    if not pulls:
        return "Nothing is known about bias yet."
    leaning = [words for each in pulls.values() if (words := _pull(each)) is not None]
    return (f"Choices lean: {'; '.join(leaning)}." if leaning else "No leaning that the numbers could show.") + unknown


def _describe_severity(report: Mapping[str, Any]) -> str:
    people = {person["pseudonym"] for criterion in report["scores"] for person in criterion["people"] or []}
    apart = {
        person["pseudonym"]
        for criterion in report["scores"]
        for person in criterion["people"] or []
        if person["severity"]["low"] > 0 or person["severity"]["high"] < 0
    }
    if not people:
        return "Nothing is known about bias yet."
    if not apart:
        return "Nobody is surely more severe or more lenient than the others."
    verb = "is" if len(apart) == 1 else "are"
    return f"{len(apart)} of {len(people)} people {verb} surely more severe or more lenient than the others."


def _pull(effect: Mapping[str, Any]) -> str | None:
    """The leaning in words; told from the other side where the share is below what it is without one."""
    more, less = PULLS[effect["effect"]]
    if effect["low"] > effect["baseline"]:
        return f"{more}{_how_often(effect, effect['value'])}"
    return f"{less}{_how_often(effect, 1 - effect['value'])}" if effect["high"] < effect["baseline"] else None


def _how_often(effect: Mapping[str, Any], share: float) -> str:
    if effect["effect"] == "first_seen":
        return ""
    return f" {share:.0%} of the time" if round(share, 2) > 0.5 else f" {share:.1%} of the time"


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
    """How many checks found something, of those that had anything to look at."""
    looked = [each for each in report["checks"] if each["dimension"] in WORRYING and each["count"] is not None]
    looked = [each for each in looked if each["of"] or each["count"]]
    found = sum(each["count"] > 0 for each in looked)
    if not looked:
        return "There is nothing to check yet."
    checks = f"{len(looked)} check{'s' if len(looked) > 1 else ''}"
    return f"{found} of {checks} found something to look at." if found else f"Nothing wrong was found in {checks}."


def table_checks(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The checks by dimension: [{dimension, checks}]."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for each in report["checks"]:
        worry = each["dimension"] in WORRYING and bool(each["count"])
        groups.setdefault(each["dimension"], []).append({**each, "name": CHECKS[each["check"]], "is_worry": worry})
    return [{"dimension": name, "checks": checks} for name, checks in groups.items()]
