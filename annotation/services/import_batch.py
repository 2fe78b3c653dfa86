"""Stores one batch of checked prompts: one COPY a table, whatever the number of rows.

Lines are written out per table rather than value by value, for this is where an import spends its time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from annotation.importers.records import ImportedPrompt
from annotation.models import Criterion, Project, Prompt, Response, Slot, Task, TaskResponse, TaskText, User
from annotation.services.copied_rows import copy_lines, copy_rows, encode_json, encode_text
from annotation.services.import_answers import FilledSlot, fill_slots, save_judgments, save_scores_and_preferences
from annotation.services.import_plans import PlannedBatch, PlannedTask, plan_batch
from annotation.services.unchecked_keys import hold_parents, unchecked_keys

NULL = "\\N"
NAMES_AT_ONCE = 1024
"""Keys and sources of responses come again and again."""
NORMAL, GOLD, FREE = Task.Purpose.NORMAL.value, Task.Purpose.GOLD.value, Slot.State.FREE.value


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
    people: Mapping[str, User],
    criteria: Mapping[str, Criterion],
    origin: str,
    now: datetime,
) -> BatchCounts:
    """Writes prompts, responses, tasks, slots and judgments with their derived rows.

    The project and the people must be held for the length of the transaction; the rest of the parents is written here.
    """
    hold_parents(Criterion, [row.pk for row in criteria.values()])
    plan = plan_batch(batch)
    filled = fill_slots(plan.tasks, people)
    with unchecked_keys() as is_unchecked:
        _save_prompts(plan, project)
        _save_tasks(plan.tasks, project, origin)
        if is_unchecked:
            _save_texts(plan.tasks, project)
        _save_slots(plan.tasks, filled, project)
        if filled:
            save_judgments(filled, project, now)
            save_scores_and_preferences(filled, criteria)
    return BatchCounts(sum(len(item.responses) for item in batch), len(plan.tasks), len(filled))


def _save_prompts(plan: PlannedBatch, project: Project) -> None:
    project_id, encode_name = project.pk, lru_cache(NAMES_AT_ONCE)(encode_text)
    prompts = (
        f"{pk}\t{project_id}\t{encode_text(item.external_id)}\t{_messages(item)}\t{encode_json(item.tags)}\t"
        f"{encode_json(item.metadata)}"
        for pk, item, _ in plan.prompts
    )
    copy_lines(Prompt, ("id", "project_id", "external_id", "messages", "tags", "metadata"), prompts)
    responses = (
        f"{ids[response.key]}\t{pk}\t{encode_name(response.key)}\t{encode_text(response.text)}\t"
        f"{encode_name(response.source or '')}"
        for pk, item, ids in plan.prompts
        for response in item.responses
    )
    copy_lines(Response, ("id", "prompt_id", "key", "text", "source"), responses)


def _messages(item: ImportedPrompt) -> str:
    return encode_json([{"role": turn.role, "content": turn.content} for turn in item.prompt])


def _save_tasks(tasks: Sequence[PlannedTask], project: Project, origin: str) -> None:
    project_id, kind, made_by = project.pk, encode_text(project.kind), encode_text(origin)
    lines = (
        f"{task.pk}\t{project_id}\t{task.prompt_id}\t{encode_text(task.external_id)}\t{kind}\t{task.jitter}\t"
        f"{_gold(task)}\t{made_by}"
        for task in tasks
    )
    columns = ("id", "project_id", "prompt_id", "external_id", "kind", "jitter", "gold", "purpose", "origin")
    copy_lines(Task, columns, lines)
    places = (
        f"{task.pk}\t{response_id}\t{position}"
        for task in tasks
        for position, response_id in enumerate(task.response_ids.values())
    )
    copy_lines(TaskResponse, ("task_id", "response_id", "position"), places)


def _gold(task: PlannedTask) -> str:
    """The columns gold and purpose."""
    return f"{NULL}\t{NORMAL}" if task.gold is None else f"{encode_json(task.gold.as_mapping())}\t{GOLD}"


def _save_texts(tasks: Sequence[PlannedTask], project: Project) -> None:
    """The rows that the trigger `task_enter_text` makes."""
    rest = f"\t{project.pk}\t{NULL}"
    copy_lines(TaskText, ("task_id", "project_id", "words"), (f"{task.pk}{rest}" for task in tasks))


def _save_slots(tasks: Sequence[PlannedTask], filled: Sequence[FilledSlot], project: Project) -> None:
    """As many slots a task as the project wants, or more where more judgments came with it; see build_slots.

    Each takes over its task's place in the queue, as the trigger `slot_enter_queue` makes it.
    """
    columns = ("project_id", "task_id", "number", "state", "jitter", "annotator_id")
    copy_lines(Slot, columns, _free_lines(tasks, project))
    rows = (
        (slot.pk, project.pk, slot.task.pk, slot.number, Slot.State.SUBMITTED, slot.task.jitter, slot.annotator_id)
        for slot in filled
    )
    copy_rows(Slot, ("id", *columns), rows)


def _free_lines(tasks: Sequence[PlannedTask], project: Project) -> Iterator[str]:
    project_id = project.pk
    numbers = [str(number) for number in range(1, project.judgments_per_task + 1)]
    for task in tasks:
        if task.gold is None:
            before, after = f"{project_id}\t{task.pk}\t", f"\t{FREE}\t{task.jitter}\t{NULL}"
            for number in numbers[len(task.said) :]:
                yield before + number + after
