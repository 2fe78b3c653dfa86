"""Stores one batch of checked prompts: a few bulk statements, whatever the number of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from annotation.importers.records import ImportedJudgment, ImportedPrompt
from annotation.kinds.registry import Answer
from annotation.kinds.scalar import ScalarAnswer, select_response
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
from annotation.services.judgment_rows import AnswerSheet, build_judgment, build_preferences, build_scores
from annotation.services.task_rows import build_places, build_slots

ROWS = 5000


@dataclass(frozen=True, slots=True)
class _PlannedTask:
    """A task to be made of a prompt, with what people said about it."""

    task: Task
    responses: list[Response]
    judgments: list[tuple[ImportedJudgment, Answer]]


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """What one batch brought."""

    responses: int
    tasks: int
    judgments: int


def store_batch(
    batch: Sequence[ImportedPrompt],
    *,
    project: Project,
    people: dict[str, User],
    criteria: dict[str, Criterion],
    origin: str,
    now: datetime,
) -> BatchCounts:
    """Writes prompts, responses, tasks, slots and judgments with their derived rows."""
    prompts = Prompt.objects.bulk_create([_prompt_row(item, project) for item in batch], batch_size=ROWS)
    responses = [_response_rows(item, prompt) for item, prompt in zip(batch, prompts, strict=True)]
    Response.objects.bulk_create([row for rows in responses for row in rows], batch_size=ROWS)
    plans = [
        plan
        for item, prompt, rows in zip(batch, prompts, responses, strict=True)
        for plan in _plan_tasks(item, prompt, rows, project, origin)
    ]
    _save_tasks(plans, project, people)
    judgments = _save_judgments(plans, project, people, criteria, now)
    return BatchCounts(sum(map(len, responses)), len(plans), judgments)


def _prompt_row(item: ImportedPrompt, project: Project) -> Prompt:
    messages = [{"role": turn.role, "content": turn.content} for turn in item.prompt]
    return Prompt(
        project=project, external_id=item.external_id, messages=messages, tags=list(item.tags), metadata=item.metadata
    )


def _response_rows(item: ImportedPrompt, prompt: Prompt) -> list[Response]:
    return [
        Response(prompt=prompt, key=response.key, text=response.text, source=response.source or "")
        for response in item.responses
    ]


def _plan_tasks(
    item: ImportedPrompt, prompt: Prompt, responses: list[Response], project: Project, origin: str
) -> list[_PlannedTask]:
    """A ranking is one task of all responses; scalar responses are a task each."""
    if item.kind == "ranking" or len(responses) == 1:
        said = [(judgment, judgment.answer) for judgment in item.judgments]
        task = _task_row(item.external_id, item.gold, prompt, project, origin)
        return [_PlannedTask(task, responses, said)]
    return [_plan_scalar(item, prompt, response, project, origin) for response in responses]


def _plan_scalar(
    item: ImportedPrompt, prompt: Prompt, response: Response, project: Project, origin: str
) -> _PlannedTask:
    about = [(judgment, _about(judgment.answer, response.key)) for judgment in item.judgments]
    gold = None if item.gold is None else _about(item.gold, response.key)
    task = _task_row(f"{item.external_id}#{response.key}", gold, prompt, project, origin)
    return _PlannedTask(task, [response], [(judgment, answer) for judgment, answer in about if answer is not None])


def _about(answer: Answer, key: str) -> Answer | None:
    assert isinstance(answer, ScalarAnswer)
    return select_response(answer, key)


def _task_row(external_id: str, gold: Answer | None, prompt: Prompt, project: Project, origin: str) -> Task:
    return Task(
        project=project,
        prompt=prompt,
        external_id=external_id,
        kind=project.kind,
        gold=None if gold is None else gold.as_mapping(),
        purpose=Task.Purpose.NORMAL if gold is None else Task.Purpose.GOLD,
        origin=origin,
    )


def _save_tasks(plans: list[_PlannedTask], project: Project, people: dict[str, User]) -> None:
    Task.objects.bulk_create([plan.task for plan in plans], batch_size=ROWS)
    places = [place for plan in plans for place in build_places(plan.task, plan.responses)]
    TaskResponse.objects.bulk_create(places, batch_size=ROWS)


def _save_judgments(
    plans: list[_PlannedTask], project: Project, people: dict[str, User], criteria: dict[str, Criterion], now: datetime
) -> int:
    slots: list[Slot] = []
    rows: list[tuple[Judgment, Answer, AnswerSheet]] = []
    for plan in plans:
        sheet = AnswerSheet(plan.task, {response.key: response.pk for response in plan.responses}, criteria)
        annotators = [people[judgment.annotator] for judgment, _ in plan.judgments]
        own = build_slots(plan.task, project, filled_by=annotators)
        slots += own
        for (judgment, answer), user, slot in zip(plan.judgments, annotators, own, strict=False):
            rows.append((_judgment_row(judgment, answer, slot, user, project, now), answer, sheet))
    Slot.objects.bulk_create(slots, batch_size=ROWS)
    Judgment.objects.bulk_create([row for row, _, _ in rows], batch_size=ROWS)
    Score.objects.bulk_create([score for row in rows for score in build_scores(*row)], batch_size=ROWS)
    Preference.objects.bulk_create([pair for row in rows for pair in build_preferences(*row)], batch_size=ROWS)
    return len(rows)


def _judgment_row(
    judgment: ImportedJudgment, answer: Answer, slot: Slot, user: User, project: Project, now: datetime
) -> Judgment:
    return build_judgment(
        answer,
        project=project,
        task=slot.task,
        annotator=user,
        slot=slot,
        is_imported=True,
        guideline_version=project.guideline_version,
        created_at=judgment.created_at or now,
    )
