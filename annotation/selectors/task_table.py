"""The tasks of a project as a table of any length: each page goes on from the row where the last one ended."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from annotation.exceptions import ApplicationError
from annotation.models import Flag, Project, Skip, Task, TaskText
from annotation.selectors.keyset import Walk, read_place, write_place
from annotation.selectors.task_filters import TaskFilters, filter_tasks
from annotation.selectors.task_rows import tasks_with_counts

PAGE_ROWS = 50
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Order:
    """A column that leads downwards, then the id upwards; without a column the newest come first."""

    label: str
    field: str | None


ORDERS: dict[str, Order] = {
    "priority": Order("in the order in which they are given out", "priority"),
    "disagreement": Order("the widest disagreement first", "split__disagreement"),
    "newest": Order("newest first", None),
}


@dataclass(frozen=True, slots=True)
class TaskPage:
    """One page of a project's tasks."""

    rows: list[Task]
    """Each with `judgments_given`, `judgments_wanted`, `is_flagged`, `skip_count`, `disagreement`, prompt and skill."""
    previous: str | None
    """The place to go back `before`; None on the first page."""
    next: str | None
    """The place to go on `after`; None on the last page."""
    total: int
    """How many fit the filters, counted up to MOST_COUNTED only."""
    total_is_capped: bool
    unsearchable: int
    """With a search for words: tasks whose words are not indexed yet."""


def task_table(
    *, project: Project, filters: TaskFilters | None = None, order: str = "priority", after: str = "", before: str = ""
) -> TaskPage:
    """A page of tasks; three or four queries whatever the size of the project, one more with a search for words.

    after, before: a place as `next` and `previous` give it. A list sorted by disagreement holds the tasks that at least
    two people judged.
    Raises: ApplicationError naming an unknown order or a place that is none.
    """
    filters = filters or TaskFilters()
    walk = Walk(_ordered(project, filters, order), ORDERS[order].field)
    if before:
        ids, more = walk.back(read_place(before), PAGE_ROWS)
        previous, following = bool(more), True
    else:
        ids, more = walk.on(read_place(after), PAGE_ROWS)
        previous, following = bool(after), bool(more)
    total = filter_tasks(project=project, filters=filters)[: MOST_COUNTED + 1].values("pk").count()
    rows = _rows(project, [pk for _, pk in ids])
    return TaskPage(
        rows=rows,
        previous=write_place(ids[0]) if previous and ids else None,
        next=write_place(ids[-1]) if following and ids else None,
        total=min(total, MOST_COUNTED),
        total_is_capped=total > MOST_COUNTED,
        unsearchable=count_unsearchable(project=project) if filters.search else 0,
    )


def count_unsearchable(*, project: Project) -> int:
    """Tasks whose words the job has not indexed yet."""
    return TaskText.objects.filter(project=project, words=None).count()


def _ordered(project: Project, filters: TaskFilters, order: str) -> QuerySet[Task]:
    if order not in ORDERS:
        raise ApplicationError(f"No such order: {order}; use {', '.join(ORDERS)}.", extra={"field": "order"})
    tasks = filter_tasks(project=project, filters=filters)
    return tasks.filter(split__project=project) if order == "disagreement" else tasks


def _rows(project: Project, ids: list[int]) -> list[Task]:
    """The tasks in the order of their ids given."""
    flagged = Exists(Flag.objects.filter(task=OuterRef("pk"), resolved_at=None))
    skips = Skip.objects.filter(task=OuterRef("pk")).order_by().values("task").annotate(people=Count("pk"))
    rows: Any = tasks_with_counts(project=project).filter(pk__in=ids).select_related("prompt", "skill")
    rows = rows.annotate(
        is_flagged=flagged,
        skip_count=Coalesce(Subquery(skips.values("people"), output_field=IntegerField()), 0),
        disagreement=F("split__disagreement"),
    )
    by_id = {task.pk: task for task in rows}
    return [by_id[pk] for pk in ids if pk in by_id]
