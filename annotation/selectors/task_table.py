"""The tasks of a project as a table of any length: each page goes on from the row where the last one ended."""

import re
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from annotation.exceptions import ApplicationError
from annotation.models import Flag, Project, Skip, Task, TaskText
from annotation.selectors.task_filters import TaskFilters, filter_tasks
from annotation.selectors.task_rows import tasks_with_counts

PAGE_ROWS = 50
MOST_COUNTED = 10_000
_PLACE = re.compile(r"(?P<value>-?[0-9.]{1,24}(?:e[+-]?[0-9]{1,3})?)?:(?P<id>[0-9]{1,18})")


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
    walk = _Walk(_ordered(project, filters, order), ORDERS[order].field)
    if before:
        ids, more = walk.back(_read_place(before), PAGE_ROWS)
        previous, following = bool(more), True
    else:
        ids, more = walk.on(_read_place(after), PAGE_ROWS)
        previous, following = bool(after), bool(more)
    total = filter_tasks(project=project, filters=filters)[: MOST_COUNTED + 1].values("pk").count()
    rows = _rows(project, [pk for _, pk in ids])
    return TaskPage(
        rows=rows,
        previous=_place(ids[0]) if previous and ids else None,
        next=_place(ids[-1]) if following and ids else None,
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


Row = tuple[float | None, int]
Start = Row | None


class _Walk:
    """Steps along (column downwards, id upwards), or along ids downwards where there is no column.

    Rows of one value are an index range of their own: asking first for the rest of the present value, then for smaller
    ones, never walks over rows that were on earlier pages, however many share a value.
    """

    def __init__(self, tasks: QuerySet[Task], field: str | None) -> None:
        self.tasks, self.field = tasks, field

    def on(self, start: Start, count: int) -> tuple[list[Row], bool]:
        """The rows after a place, and whether more follow."""
        rows = self._take(start, count + 1, forwards=True)
        return rows[:count], len(rows) > count

    def back(self, start: Start, count: int) -> tuple[list[Row], bool]:
        """The rows before a place, in the order of the list, and whether more lie before those."""
        rows = self._take(start, count + 1, forwards=False)
        return rows[:count][::-1], len(rows) > count

    def _take(self, start: Start, count: int, *, forwards: bool) -> list[Row]:
        if self.field is None:
            return self._by_id(start, count, forwards=forwards)
        field, step = self.field, ("gt", "lt") if forwards else ("lt", "gt")
        by = [F(field).desc(), F("pk").asc()] if forwards else [F(field).asc(), F("pk").desc()]
        if start is None:
            return self._fetch(self.tasks.order_by(*by), count)
        value, pk = start
        same = self.tasks.filter(**{field: value, f"pk__{step[0]}": pk}).order_by("pk" if forwards else "-pk")
        rows = self._fetch(same, count)
        if len(rows) < count:
            rows += self._fetch(self.tasks.filter(**{f"{field}__{step[1]}": value}).order_by(*by), count - len(rows))
        return rows

    def _by_id(self, start: Start, count: int, *, forwards: bool) -> list[Row]:
        tasks = self.tasks.order_by("-pk" if forwards else "pk")
        if start is not None:
            tasks = tasks.filter(**{"pk__lt" if forwards else "pk__gt": start[1]})
        return [(None, pk) for pk in tasks.values_list("pk", flat=True)[:count]]

    def _fetch(self, tasks: QuerySet[Task], count: int) -> list[Row]:
        return list(tasks.values_list(self.field or "pk", "pk")[:count])


def _read_place(text: str) -> Start:
    if not text:
        return None
    found = _PLACE.fullmatch(text)
    try:
        return (float(found["value"] or 0), int(found["id"])) if found else _no_place()
    except ValueError:
        return _no_place()


def _no_place() -> Start:
    raise ApplicationError("This is no place in the list; start again from its first page.", extra={"field": "after"})


def _place(row: Row) -> str:
    value, pk = row
    return f":{pk}" if value is None else f"{value!r}:{pk}"


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
