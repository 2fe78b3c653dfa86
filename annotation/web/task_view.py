"""A task with all that was said about it, as the task page and the verdict page show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from statistics import fmean
from typing import Any

from annotation.models import Criterion, FeedbackKind, Judgment, Task
from annotation.selectors.adjudication import current_verdict, earlier_revisions
from annotation.web.ladders import Rung, align_ladders, build_ladder, letters_of


@dataclass(frozen=True, slots=True)
class Said:
    """One person's judgment, ready to show."""

    judgment: Judgment
    name: str
    ladder: list[Rung]
    scores: list[tuple[str, str, float | None]]
    """(criterion, letter, value)"""
    shown: str
    """Letters in the order in which they saw them; "" where that is not known."""
    revisions: list["Said"]
    """What they said before, newest first."""


def describe_task(task: Task, judgments: Sequence[Judgment], *, anonymous: bool = False) -> dict[str, Any]:
    """What the templates need of a task.

    anonymous: people are numbered in an order of the task's own, so that nobody is recognised from task to task.
    """
    responses = [row.response for row in task.task_responses.select_related("response")]
    letters = letters_of([response.key for response in responses])
    judgments = mix_judgments(task, judgments) if anonymous else judgments
    revisions = {} if anonymous else earlier_revisions(task=task)
    names = [f"Person {number}" if anonymous else each.annotator.pseudonym for number, each in enumerate(judgments, 1)]
    said = [_say(each, name, letters, revisions) for each, name in zip(judgments, names, strict=True)]
    is_ranking = task.kind == FeedbackKind.RANKING
    verdict = current_verdict(task=task)
    answer = verdict.answer if verdict else None
    criteria = list(task.project.criteria.all())
    return {
        "task": task,
        "letters": letters,
        "responses": [(letters[response.key], response) for response in responses],
        "ranks": range(1, len(responses) + 1),
        "judgments": said,
        "steps": align_ladders([_ranking(each) for each in judgments], letters) if is_ranking else [],
        "score_rows": score_rows(judgments, criteria, letters),
        "criteria": criteria,
        "verdict": verdict,
        "verdict_ladder": build_ladder(answer["tiers"], answer["bad"], letters, width=0)
        if answer and is_ranking
        else [],
        "verdict_scores": _flat(answer["scores"], letters) if answer else [],
    }


def mix_judgments(task: Task, judgments: Sequence[Judgment]) -> list[Judgment]:
    """In an order of the task's own, so that a place in it tells nothing of the person."""
    return sorted(judgments, key=lambda each: sha256(f"{task.pk}:{each.pk}".encode()).digest())


def _ranking(judgment: Judgment) -> dict[str, Any]:
    return {"tiers": judgment.tiers, "bad": judgment.bad}


def _say(judgment: Judgment, name: str, letters: dict[str, str], revisions: dict[int, list[Judgment]]) -> Said:
    is_ranking = judgment.kind == FeedbackKind.RANKING
    return Said(
        judgment=judgment,
        name=name,
        ladder=build_ladder(judgment.tiers, judgment.bad, letters, width=0) if is_ranking else [],
        scores=_flat(judgment.scores, letters),
        shown=" ".join(letters.get(key, "?") for key in judgment.shown_order),
        revisions=[_say(each, name, letters, {}) for each in revisions.get(judgment.annotator_id, [])],
    )


def _flat(scores: dict[str, dict[str, float | None]], letters: dict[str, str]) -> list[tuple[str, str, float | None]]:
    return [
        (name, letters.get(key, "?"), value)
        for name, by_response in scores.items()
        for key, value in by_response.items()
    ]


def score_rows(
    judgments: Sequence[Judgment], criteria: Sequence[Criterion], letters: dict[str, str]
) -> list[dict[str, Any]]:
    """One row a criterion and response, with everybody's number beside each other; rows nobody scored are left out."""
    rows = []
    for criterion in criteria:
        for key, letter in letters.items():
            values = [each.scores.get(criterion.name, {}).get(key) for each in judgments]
            known = [value for value in values if value is not None]
            if known:
                rows.append({"criterion": criterion, "letter": letter, "values": values, "mean": fmean(known)})
    return rows
