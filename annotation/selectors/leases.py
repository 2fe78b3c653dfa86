"""Every lease of a project, page by page: the board shows the first ones only."""

from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone

from annotation.exceptions import ApplicationError
from annotation.models import Project, Slot

PAGE_ROWS = 100


@dataclass(frozen=True, slots=True)
class LeasePage:
    """One page of leases, by the number of their slot: that order stands while leases are prolonged."""

    leases: list[Slot]
    next: str | None
    """The place to go on `after`; None on the last page."""


def running_leases(*, project: Project) -> QuerySet[Slot]:
    """The leases of a project that have not run out."""
    return Slot.objects.filter(project=project, state=Slot.State.LEASED, lease_expires_at__gt=timezone.now())


def lease_page(*, project: Project, who: str = "", after: str = "") -> LeasePage:
    """A page of the leases of people whose names begin with `who`; one query.

    Raises: ApplicationError for a place that is none.
    """
    leases = running_leases(project=project)
    if who:
        leases = leases.filter(annotator__username__istartswith=who)
    if after:
        leases = leases.filter(pk__gt=_read_place(after))
    rows = list(leases.select_related("annotator", "task__prompt").order_by("pk")[: PAGE_ROWS + 1])
    return LeasePage(rows[:PAGE_ROWS], str(rows[PAGE_ROWS - 1].pk) if len(rows) > PAGE_ROWS else None)


def _read_place(place: str) -> int:
    if place.isascii() and place.isdecimal() and len(place) <= 18:
        return int(place)
    raise ApplicationError("This is no place in the list; start again from its first page.", extra={"field": "after"})
