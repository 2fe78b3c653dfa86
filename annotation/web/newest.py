"""Lists that show the newest rows first, a page at a time."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

PAGE_ROWS = 50

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class NewestPage(Generic[Row]):
    """One page of a list."""

    rows: list[Row]
    older: int | None
    """What the address of the next page says comes before it; None on the last page."""
    is_first: bool


def newest_page(rows: QuerySet[Row], *, before: str = "", size: int = PAGE_ROWS) -> NewestPage[Row]:
    """rows: ordered by id, the newest first. before: an id as the address has it; the first page where it is none."""
    is_id = before.isascii() and before.isdigit() and len(before) < 19
    if is_id:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows[: size + 1])
    return NewestPage(found[:size], found[size - 1].pk if len(found) > size else None, is_first=not is_id)
