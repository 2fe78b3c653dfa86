"""Judgments that came with imported prompts -> rows: filled slots, judgments, and what follows from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from annotation.importers.records import ImportedJudgment
from annotation.kinds.ranking.answer import ANSWER_KEYS as RANKING_KEYS
from annotation.kinds.registry import Answer, to_preferences
from annotation.kinds.scalar.answer import ANSWER_KEYS as SCALAR_KEYS
from annotation.models import Criterion, Judgment, Preference, Project, Score, Slot, User
from annotation.services.copied_rows import copy_rows, reserve_ids
from annotation.services.import_plans import PlannedTask

SAID = tuple(dict.fromkeys((*RANKING_KEYS, *SCALAR_KEYS)))
"""The columns of a judgment that hold its answer, of either kind."""
UNSAID: dict[str, Any] = {name: getattr(Judgment(), name) for name in SAID}


@dataclass(frozen=True, slots=True)
class FilledSlot:
    """A slot with the judgment that fills it."""

    pk: int
    judgment_id: int
    number: int
    task: PlannedTask
    annotator_id: int
    judgment: ImportedJudgment
    answer: Answer


def fill_slots(tasks: Sequence[PlannedTask], people: Mapping[str, User]) -> list[FilledSlot]:
    """The first slots of each task, one a judgment."""
    count = sum(len(task.said) for task in tasks)
    if not count:
        return []
    slot_ids, judgment_ids = iter(reserve_ids(Slot, count)), iter(reserve_ids(Judgment, count))
    return [
        FilledSlot(next(slot_ids), next(judgment_ids), number, task, people[judgment.annotator].pk, judgment, answer)
        for task in tasks
        for number, (judgment, answer) in enumerate(task.said, start=1)
    ]


def save_judgments(filled: Sequence[FilledSlot], project: Project, now: datetime) -> None:
    """A judgment a slot."""
    keys = ("id", "project_id", "task_id", "annotator_id", "slot_id", "kind")
    rows = (
        (
            slot.judgment_id,
            project.pk,
            slot.task.pk,
            slot.annotator_id,
            slot.pk,
            slot.answer.kind,
            *(UNSAID | slot.answer.as_mapping()).values(),
            True,
            project.guideline_version,
            slot.judgment.created_at or now,
        )
        for slot in filled
    )
    copy_rows(Judgment, (*keys, *SAID, "is_imported", "guideline_version", "created_at"), rows)


def save_scores_and_preferences(filled: Sequence[FilledSlot], criteria: Mapping[str, Criterion]) -> None:
    """A score per number ("not applicable" gives none), a preference per decided pair."""
    scores = (
        (slot.judgment_id, criteria[name].pk, slot.task.response_ids[key], value)
        for slot in filled
        for name, by_response in slot.answer.scores.items()
        for key, value in by_response.items()
        if value is not None
    )
    copy_rows(Score, ("judgment_id", "criterion_id", "response_id", "value"), scores)
    preferences = (
        (slot.judgment_id, ids[pair.chosen], ids[pair.rejected], pair.strength, slot.answer.kind)
        for slot in filled
        for ids in (slot.task.response_ids,)
        for pair in to_preferences(slot.answer)
    )
    columns = ("judgment_id", "chosen_id", "rejected_id", "strength", "derived_from")
    copy_rows(Preference, columns, preferences)
