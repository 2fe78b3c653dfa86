"""Stores one batch of checked prompts: one COPY a table, whatever the number of rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from annotation.importers.records import ImportedJudgment, ImportedPrompt
from annotation.kinds.ranking.answer import ANSWER_KEYS as RANKING_KEYS
from annotation.kinds.registry import Answer, to_preferences
from annotation.kinds.scalar import ScalarAnswer, select_response
from annotation.kinds.scalar.answer import ANSWER_KEYS as SCALAR_KEYS
from annotation.models import (
    Criterion,
    Judgment,
    Preference,
    Project,
    Prompt,
    Response,
    Score,
    Slot,
    Task,
    TaskResponse,
    User,
)
from annotation.services.copied_rows import copy_rows, reserve_ids

SAID = tuple(dict.fromkeys((*RANKING_KEYS, *SCALAR_KEYS)))
"""The columns of a judgment that hold its answer, of either kind."""
UNSAID: dict[str, Any] = {name: getattr(Judgment(), name) for name in SAID}


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """What one batch brought."""

    responses: int
    tasks: int
    judgments: int


@dataclass(frozen=True, slots=True)
class _PlannedTask:
    """A task to be made of a prompt, with what people said about it."""

    pk: int
    external_id: str
    prompt_id: int
    response_ids: Mapping[str, int]
    """Response key -> row id, in stored order."""
    gold: Answer | None
    judgments: Sequence[tuple[ImportedJudgment, Answer]]

    @property
    def purpose(self) -> Task.Purpose:
        return Task.Purpose.NORMAL if self.gold is None else Task.Purpose.GOLD


@dataclass(frozen=True, slots=True)
class _FilledSlot:
    """A slot with the judgment that fills it."""

    pk: int
    judgment_id: int
    task: _PlannedTask
    annotator_id: int
    judgment: ImportedJudgment
    answer: Answer


def store_batch(
    batch: Sequence[ImportedPrompt],
    *,
    project: Project,
    people: Mapping[str, User],
    criteria: Mapping[str, Criterion],
    origin: str,
    now: datetime,
) -> BatchCounts:
    """Writes prompts, responses, tasks, slots and judgments with their derived rows."""
    plans = _save_prompts(batch, project)
    _save_tasks(plans, project, origin)
    filled = _save_slots(plans, project, people)
    if filled:
        _save_judgments(filled, project, now)
        _save_derived(filled, criteria)
    return BatchCounts(sum(len(item.responses) for item in batch), len(plans), len(filled))


def _save_prompts(batch: Sequence[ImportedPrompt], project: Project) -> list[_PlannedTask]:
    """Writes prompts and responses; gives the tasks to be made of them."""
    prompt_ids = reserve_ids(Prompt, len(batch))
    free_ids = iter(reserve_ids(Response, sum(len(item.responses) for item in batch)))
    response_ids = [{response.key: next(free_ids) for response in item.responses} for item in batch]
    prompts = (
        (pk, project.pk, item.external_id, _messages(item), item.tags, item.metadata)
        for pk, item in zip(prompt_ids, batch, strict=True)
    )
    copy_rows(Prompt, ("id", "project_id", "external_id", "messages", "tags", "metadata"), prompts)
    responses = (
        (ids[response.key], pk, response.key, response.text, response.source or "")
        for pk, item, ids in zip(prompt_ids, batch, response_ids, strict=True)
        for response in item.responses
    )
    copy_rows(Response, ("id", "prompt_id", "key", "text", "source"), responses)
    return _plan_tasks(batch, prompt_ids, response_ids)


def _messages(item: ImportedPrompt) -> list[dict[str, str]]:
    return [{"role": turn.role, "content": turn.content} for turn in item.prompt]


def _plan_tasks(
    batch: Sequence[ImportedPrompt], prompt_ids: Sequence[int], response_ids: Sequence[dict[str, int]]
) -> list[_PlannedTask]:
    """A ranking is one task of all responses; scalar responses are a task each."""
    shapes = [
        (prompt_id, *shape)
        for item, prompt_id, ids in zip(batch, prompt_ids, response_ids, strict=True)
        for shape in _shapes(item, ids)
    ]
    return [
        _PlannedTask(pk, external_id, prompt_id, ids, gold, said)
        for pk, (prompt_id, external_id, ids, gold, said) in zip(reserve_ids(Task, len(shapes)), shapes, strict=True)
    ]


_Shape = tuple[str, dict[str, int], Answer | None, list[tuple[ImportedJudgment, Answer]]]


def _shapes(item: ImportedPrompt, ids: dict[str, int]) -> Iterator[_Shape]:
    """Per task: external id, responses, gold answer, and who said what."""
    if item.kind == "ranking" or len(ids) == 1:
        yield item.external_id, ids, item.gold, [(judgment, judgment.answer) for judgment in item.judgments]
        return
    for key, pk in ids.items():
        about = [(judgment, _about(judgment.answer, key)) for judgment in item.judgments]
        gold = None if item.gold is None else _about(item.gold, key)
        said = [(judgment, answer) for judgment, answer in about if answer is not None]
        yield f"{item.external_id}#{key}", {key: pk}, gold, said


def _about(answer: Answer, key: str) -> Answer | None:
    assert isinstance(answer, ScalarAnswer)
    return select_response(answer, key)


def _save_tasks(plans: Sequence[_PlannedTask], project: Project, origin: str) -> None:
    tasks = (
        (
            plan.pk,
            project.pk,
            plan.prompt_id,
            plan.external_id,
            project.kind,
            None if plan.gold is None else plan.gold.as_mapping(),
            plan.purpose,
            origin,
        )
        for plan in plans
    )
    copy_rows(Task, ("id", "project_id", "prompt_id", "external_id", "kind", "gold", "purpose", "origin"), tasks)
    places = (
        (plan.pk, response_id, position)
        for plan in plans
        for position, response_id in enumerate(plan.response_ids.values())
    )
    copy_rows(TaskResponse, ("task_id", "response_id", "position"), places)


def _save_slots(plans: Sequence[_PlannedTask], project: Project, people: Mapping[str, User]) -> list[_FilledSlot]:
    """As many slots a task as the project wants, or more where more judgments came with it; see build_slots."""
    judgments = sum(len(plan.judgments) for plan in plans)
    judgment_ids = iter(reserve_ids(Judgment, judgments))
    slot_ids = iter(reserve_ids(Slot, judgments))
    filled = [
        _FilledSlot(next(slot_ids), next(judgment_ids), plan, people[judgment.annotator].pk, judgment, answer)
        for plan in plans
        for judgment, answer in plan.judgments
    ]
    free = (
        (project.pk, plan.pk, number, Slot.State.FREE, None)
        for plan in plans
        if plan.purpose == Task.Purpose.NORMAL
        for number in range(len(plan.judgments) + 1, project.judgments_per_task + 1)
    )
    columns = ("project_id", "task_id", "number", "state", "annotator_id")
    copy_rows(Slot, columns, free)
    copy_rows(Slot, ("id", *columns), _filled_rows(filled, project))
    return filled


def _filled_rows(filled: Sequence[_FilledSlot], project: Project) -> Iterator[Sequence[Any]]:
    task_id = number = 0
    for slot in filled:
        number = number + 1 if slot.task.pk == task_id else 1
        task_id = slot.task.pk
        yield slot.pk, project.pk, task_id, number, Slot.State.SUBMITTED, slot.annotator_id


def _save_judgments(filled: Sequence[_FilledSlot], project: Project, now: datetime) -> None:
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


def _save_derived(filled: Sequence[_FilledSlot], criteria: Mapping[str, Criterion]) -> None:
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
