"""Tasks by how far people are apart on them, with what everybody said."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet, Window
from django.db.models.functions import RowNumber

from annotation.exceptions import ApplicationError
from annotation.models import Criterion, CriterionSplit, FeedbackKind, Judgment, Project, Task, TaskSplit, Verdict
from annotation.selectors.keyset import Walk, read_place, write_place
from annotation.selectors.task_rows import tasks_with_counts
from annotation.selectors.task_table import MOST_COUNTED

PAGE_TASKS = 20
MOST_PEOPLE = 12
"""Whose judgments are laid side by side; the task's own page has all."""
ORDER = ":order"
"""Stands for the order that people gave, where a criterion's name could stand."""


@dataclass(frozen=True, slots=True)
class SplitTask:
    """One task of the list."""

    task: Task
    """With `judgments_given` and `is_settled`, its prompt at hand."""
    disagreement: float
    keys: list[str]
    """Of its responses, in stored order."""
    judgments: list[Judgment]
    """The first MOST_PEOPLE."""


@dataclass(frozen=True, slots=True)
class SplitPage:
    """One page of the list."""

    rows: list[SplitTask]
    previous: str | None
    next: str | None
    total: int
    """Tasks that two people or more can be compared on, counted up to MOST_COUNTED."""
    total_is_capped: bool


def things_asked(*, project: Project) -> list[tuple[str, str]]:
    """(name, label) of what the list can be narrowed to; empty where people are asked one thing only."""
    order = [(ORDER, "The order")] if project.kind == FeedbackKind.RANKING else []
    asked = [*order, *Criterion.objects.filter(project=project).values_list("name", "label")]
    return asked if len(asked) > 1 else []


def split_page(
    *, project: Project, asked: str = "", unsettled: bool = False, after: str = "", before: str = ""
) -> SplitPage:
    """Six queries whatever the size of the project; equally split tasks come in the order of their ids.

    asked: ORDER or a criterion's name; "" for where each task is furthest apart. unsettled: without a verdict only.
    Raises: ApplicationError for a criterion or a place that is none.
    """
    splits = _splits(project, asked)
    if unsettled:
        splits = splits.filter(~Exists(Verdict.objects.filter(task=OuterRef("task_id"), is_current=True)))
    walk = Walk(splits, "disagreement", key="task_id")
    found, more = walk.back(read_place(before), PAGE_TASKS) if before else walk.on(read_place(after), PAGE_TASKS)
    has_previous, has_next = (more, True) if before else (bool(after), more)
    total = splits[: MOST_COUNTED + 1].count()
    return SplitPage(
        rows=_load(project, {pk: apart or 0.0 for apart, pk in found}),
        previous=write_place(found[0]) if has_previous and found else None,
        next=write_place(found[-1]) if has_next and found else None,
        total=min(total, MOST_COUNTED),
        total_is_capped=total > MOST_COUNTED,
    )


def _splits(project: Project, asked: str) -> QuerySet[Any]:
    if not asked:
        return TaskSplit.objects.filter(project=project)
    known = dict(things_asked(project=project))
    if asked not in known:
        raise ApplicationError(
            f"No such criterion: {asked}; use {', '.join(known) or 'none, people are asked one thing here'}.",
            extra={"field": "criterion"},
        )
    splits = CriterionSplit.objects.filter(project=project)
    return splits.filter(criterion=None) if asked == ORDER else splits.filter(criterion__name=asked)


def _load(project: Project, apart: dict[int, float]) -> list[SplitTask]:
    """The tasks in the order given."""
    settled = Exists(Verdict.objects.filter(task=OuterRef("pk"), is_current=True))
    tasks = tasks_with_counts(project=project).filter(pk__in=apart).select_related("prompt")
    by_id: dict[int, Any] = {task.pk: task for task in tasks.annotate(is_settled=settled)}
    keys, judgments = _keys_of(list(apart)), _judgments_of(list(apart))
    return [SplitTask(by_id[pk], apart[pk], keys[pk], judgments[pk]) for pk in apart if pk in by_id]


def _keys_of(tasks: list[int]) -> dict[int, list[str]]:
    keys: dict[int, list[str]] = defaultdict(list)
    placed = Task.objects.filter(pk__in=tasks).order_by("pk", "task_responses__position")
    for task, key in placed.values_list("pk", "task_responses__response__key"):
        keys[task].append(key)
    return keys


def _judgments_of(tasks: list[int]) -> dict[int, list[Judgment]]:
    number = Window(RowNumber(), partition_by=F("task"), order_by=F("id").asc())
    current = Judgment.objects.filter(task__in=tasks, is_current=True).annotate(number=number)
    found: dict[int, list[Judgment]] = defaultdict(list)
    for judgment in current.filter(number__lte=MOST_PEOPLE).defer("rationale").order_by("task", "id"):
        found[judgment.task_id].append(judgment)
    return found
