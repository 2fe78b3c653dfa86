"""PURE: what people ask of a run on a page or over the API, as the purpose and settings of the run."""

from typing import Any

SAMPLES_TO_LEARN_FROM = ("sampling.keep_log_probs=true", "sampling.top_p=1")
"""Without these nothing can be learned from what people say of a sample run's responses."""


def serving_purpose(kind: str, *, wanted: bool) -> dict[str, Any]:
    """What becomes of a run's responses where people are to see them."""
    if not wanted:
        return {}
    return {"then": "make_ranking_tasks" if kind == "sample" else "serve_blind_tasks"}


def asking_overrides(every_steps: int | None) -> list[str]:
    """The setting that has people compare a policy in training."""
    return [f"evaluation.people_every_steps={every_steps}"] if every_steps else []
