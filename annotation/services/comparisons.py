"""Responses of our own policies -> blind ranking tasks."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from annotation.exceptions import ApplicationError, NotFound
from annotation.kinds.ranking import MOST_RESPONSES
from annotation.models import FeedbackKind, Project, Prompt, Response, Slot, Task, TaskResponse
from annotation.services import audit
from annotation.services.task_rows import build_places, build_slots

FEWEST_RESPONSES = 2


@transaction.atomic
def add_comparison_tasks(
    *,
    project: Project,
    prompts: Sequence[tuple[int, Sequence[Mapping[str, Any]]]],
    origin: str,
    priority: float = 0.0,
) -> list[Task]:
    """One blind ranking task a prompt out of the given responses; the tasks in the order of the prompts.

    prompts: (prompt id, [{"text", "source", "sampling"}, ...]). Of responses with equal texts the first one stands
    for all, because nobody can rank a text against itself; a prompt left with fewer than two gives no task.
    origin: what makes them, for instance `run:12`. Called again for the same prompt and origin it gives the task
    that is there, so a job that starts over doubles nothing.
    Raises: ApplicationError for a project of scalar tasks or more than nine responses, NotFound for a foreign prompt.
    """
    if project.kind != FeedbackKind.RANKING:
        raise ApplicationError("Only a ranking project can compare responses.", code="wrong_kind")
    rows = Prompt.objects.select_for_update().filter(project=project).in_bulk([prompt_id for prompt_id, _ in prompts])
    tasks = [
        task
        for prompt_id, responses in prompts
        if (task := _make_task(project, _find(rows, prompt_id), responses, origin, priority)) is not None
    ]
    if tasks:
        audit.record(
            actor=None,
            action="add_comparison_tasks",
            obj=project,
            project=project,
            data={"origin": origin, "tasks": len(tasks)},
        )
    return tasks


def _find(rows: Mapping[int, Prompt], prompt_id: int) -> Prompt:
    if prompt_id not in rows:
        raise NotFound(f"This project has no prompt {prompt_id}.")
    return rows[prompt_id]


def _make_task(
    project: Project, prompt: Prompt, responses: Sequence[Mapping[str, Any]], origin: str, priority: float
) -> Task | None:
    external_id = f"{prompt.external_id}@{origin}"
    known = Task.objects.filter(project=project, external_id=external_id).first()
    if known is not None:
        return known
    distinct = _distinct(responses)
    if len(distinct) < FEWEST_RESPONSES:
        return None
    if len(distinct) > MOST_RESPONSES:
        raise ApplicationError(f"{len(distinct)} responses to {prompt.external_id!r}; a task takes {MOST_RESPONSES}.")
    task = Task.objects.create(
        project=project, prompt=prompt, external_id=external_id, kind=project.kind, origin=origin, priority=priority
    )
    TaskResponse.objects.bulk_create(build_places(task, _save_responses(prompt, distinct)))
    Slot.objects.bulk_create(build_slots(task, project))
    return task


def _distinct(responses: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The first response of each text; white space around it makes no difference to a reader."""
    first: dict[str, Mapping[str, Any]] = {}
    for response in responses:
        first.setdefault(response["text"].strip(), response)
    return list(first.values())


def _save_responses(prompt: Prompt, responses: Sequence[Mapping[str, Any]]) -> list[Response]:
    """Rows of the responses; one with the same text and source that is there already is used again."""
    stored = list(prompt.responses.all())
    known = {(row.text, row.source): row for row in stored}
    taken = {row.key for row in stored}
    rows = []
    for response in responses:
        row = known.get((response["text"], response.get("source", "")))
        if row is None:
            row = Response.objects.create(
                prompt=prompt,
                key=_free_key(taken),
                text=response["text"],
                source=response.get("source", ""),
                sampling=dict(response.get("sampling") or {}),
            )
        rows.append(row)
    return rows


def _free_key(taken: set[str]) -> str:
    """A key that says nothing about who wrote the response."""
    number = len(taken) + 1
    while f"r{number}" in taken:
        number += 1
    taken.add(f"r{number}")
    return f"r{number}"
