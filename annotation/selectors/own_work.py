"""What a person did, as they look through it: lists that hold a hundred thousand, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from annotation.exceptions import ApplicationError
from annotation.models import Flag, Judgment, Skip, Task, User
from annotation.selectors.work import my_judgments

PAGE_ROWS = 15
LISTS = {"all": "All", "edited": "Edited", "flagged": "Flagged", "skipped": "Skipped"}
"""{name: what it is called on the page}."""


@dataclass(frozen=True, slots=True)
class OwnRow:
    """Something a person did with one task."""

    task: Task
    at: datetime
    judgment: Judgment | None
    """None for a task that they only flagged or skipped."""
    is_flagged: bool
    reason: str
    """Why they flagged or skipped it."""


@dataclass(frozen=True, slots=True)
class OwnPage:
    """One page of such a list, newest first."""

    rows: list[OwnRow]
    newer: str | None
    """The place to go back `before`; None on the first page."""
    older: str | None
    """The place to go on `after`; None on the last page."""


def own_work(*, user: User, shown: str = "all", after: str = "", before: str = "") -> OwnPage:
    """A page of a person's judgments, of those they edited, or of the tasks they flagged or skipped.

    One query whatever the size, two for flagged ones. after, before: a place as `older` and `newer` give it.
    Raises: ApplicationError naming an unknown list or a place that is none.
    """
    if shown not in LISTS:
        raise ApplicationError(f"No such list: {shown[:20]}; use {', '.join(LISTS)}.", extra={"field": "show"})
    rows, more = _take(_source(user, shown), after=after, before=before)
    newer, older = (more, True) if before else (bool(after), more)
    return OwnPage(
        rows=_describe(user, shown, rows),
        newer=_place(rows[0]) if newer and rows else None,
        older=_place(rows[-1]) if older and rows else None,
    )


def _source(user: User, shown: str) -> QuerySet[Any]:
    if shown == "flagged":
        return Flag.objects.filter(annotator=user).select_related("task__prompt", "task__project")
    if shown == "skipped":
        return Skip.objects.filter(annotator=user).select_related("task__prompt", "task__project")
    judgments = my_judgments(user=user).annotate(
        is_flagged=Exists(Flag.objects.filter(annotator=user, task=OuterRef("task")))
    )
    return judgments.filter(revision__gt=1) if shown == "edited" else judgments


def _take(source: QuerySet[Any], *, after: str, before: str) -> tuple[list[Any], bool]:
    """The rows of a page, newest first, and whether more lie beyond them."""
    if before:
        rows = list(_beyond(source, before, "gt").order_by("created_at", "id")[: PAGE_ROWS + 1])
        return rows[:PAGE_ROWS][::-1], len(rows) > PAGE_ROWS
    rows = list(_beyond(source, after, "lt").order_by("-created_at", "-id")[: PAGE_ROWS + 1])
    return rows[:PAGE_ROWS], len(rows) > PAGE_ROWS


def _beyond(source: QuerySet[Any], place: str, step: str) -> QuerySet[Any]:
    """The part of a list beyond a place. The bound on the time alone is what an index can use."""
    if not place:
        return source
    at, pk = _read_place(place)
    exactly = Q(created_at=at, **{f"id__{step}": pk})
    return source.filter(Q(**{f"created_at__{step}e": at}), exactly | Q(**{f"created_at__{step}": at}))


def _read_place(place: str) -> tuple[datetime, int]:
    time, _, pk = place.rpartition("~")
    try:
        at = datetime.fromisoformat(time)
        if at.tzinfo is None or not (pk.isascii() and pk.isdecimal() and len(pk) <= 18):
            raise ValueError
    except ValueError:
        raise ApplicationError(
            "This is no place in the list; start again from its first page.", extra={"field": "after"}
        ) from None
    return at, int(pk)


def _place(row: Any) -> str:
    return f"{row.created_at.isoformat()}~{row.pk}"


def _describe(user: User, shown: str, rows: Sequence[Any]) -> list[OwnRow]:
    if shown in ("all", "edited"):
        return [OwnRow(row.task, row.created_at, row, row.is_flagged, "") for row in rows]
    said = {}
    if shown == "flagged":
        said = {each.task_id: each for each in my_judgments(user=user).filter(task__in=[row.task_id for row in rows])}
    return [OwnRow(row.task, row.created_at, said.get(row.task_id), shown == "flagged", row.reason) for row in rows]
