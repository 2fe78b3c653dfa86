"""PURE: what people ask of a run on a page or over the API, as the purpose and settings of the run."""

from typing import Any

SERVE_BLIND_TASKS = "serve_blind_tasks"
"""What follows, as `then` of a purpose: people compare the policy's responses with those of rivals."""
MAKE_RANKING_TASKS = "make_ranking_tasks"
"""What follows, as `then` of a purpose: people rank the responses of a sample run among themselves."""

AGAINST_CHAMPION, AGAINST_REFERENCE, AGAINST_BOTH = "champion", "reference", "both"
AGAINST = {
    AGAINST_CHAMPION: "the champion",
    AGAINST_REFERENCE: "what it started from",
    AGAINST_BOTH: "both, in tasks of their own",
}
"""Whom people compare a finished policy with, in words."""


def serving_purpose(kind: str, *, wanted: bool, against: str | None = None) -> dict[str, Any]:
    """What becomes of a run's responses where people are to see them. against: a key of AGAINST, by default the first.

    Raises: ValueError for another word.
    """
    if not wanted:
        return {}
    if kind == "sample":
        return {"then": MAKE_RANKING_TASKS}
    if against is not None and against not in AGAINST:
        raise ValueError(f"against: expected one of {', '.join(AGAINST)}, got {against!r}")
    return {"then": SERVE_BLIND_TASKS, "against": against or AGAINST_CHAMPION}


def fault_of_serving(*, wanted: bool, makes_policy: bool, samples: bool) -> str:
    """What is wrong with having people judge what a run answers, as the end of a sentence; empty where nothing is."""
    fits = makes_policy or samples or not wanted
    return "" if fits else "only a run that makes a policy or samples gives people something to judge; leave it out"


def fault_of_against(against: str | None, *, wanted: bool, makes_policy: bool) -> str:
    """What is wrong with naming rivals for a run, as the end of a sentence; empty where nothing is."""
    if against is None:
        return ""
    if not makes_policy:
        return "only a run that makes a policy has rivals; leave it out"
    return "" if wanted else "nobody compares its responses unless they are served; ask for that too, or leave it out"


def asking_overrides(every_steps: int | None) -> list[str]:
    """The setting that has people compare a policy in training."""
    return [f"evaluation.people_every_steps={every_steps}"] if every_steps else []
