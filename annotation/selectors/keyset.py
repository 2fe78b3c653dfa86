"""Pages of long lists by the place of their last row, so that each costs the same however far down it is."""

import re
from math import inf
from typing import Any

from django.db.models import F, QuerySet

from annotation.exceptions import ApplicationError

_PLACE = re.compile(r"(?P<value>-?[0-9.]{1,24}(?:e[+-]?[0-9]{1,3})?)?:(?P<id>[0-9]{1,18})")
Row = tuple[float | None, int]
Start = Row | None


class Walk:
    """Steps along (column downwards, id upwards), or along ids downwards where there is no column.

    Rows of one value are an index range of their own: asking first for the rest of the present value, then for smaller
    ones, never walks over rows that were on earlier pages, however many share a value.
    """

    def __init__(self, rows: QuerySet[Any], field: str | None, *, key: str = "pk") -> None:
        """key: the column that names a row and settles the order of equal ones."""
        self.rows, self.field, self.key = rows, field, key

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
        field, key, step = self.field, self.key, ("gt", "lt") if forwards else ("lt", "gt")
        by = [F(field).desc(), F(key).asc()] if forwards else [F(field).asc(), F(key).desc()]
        if start is None:
            return self._fetch(self.rows.order_by(*by), count)
        value, pk = start
        same = self.rows.filter(**{field: value, f"{key}__{step[0]}": pk}).order_by(key if forwards else f"-{key}")
        rows = self._fetch(same, count)
        if len(rows) < count:
            rows += self._fetch(self.rows.filter(**{f"{field}__{step[1]}": value}).order_by(*by), count - len(rows))
        return rows

    def _by_id(self, start: Start, count: int, *, forwards: bool) -> list[Row]:
        rows = self.rows.order_by(f"-{self.key}" if forwards else self.key)
        if start is not None:
            rows = rows.filter(**{f"{self.key}__lt" if forwards else f"{self.key}__gt": start[1]})
        return [(None, pk) for pk in rows.values_list(self.key, flat=True)[:count]]

    def _fetch(self, rows: QuerySet[Any], count: int) -> list[Row]:
        return list(rows.values_list(self.field or self.key, self.key)[:count])


def read_place(text: str) -> Start:
    """The place that an address names; None for the beginning.

    Raises: ApplicationError when it is no place.
    """
    if not text:
        return None
    found = _PLACE.fullmatch(text)
    try:
        value = float(found["value"] or 0) if found else inf
    except ValueError:
        value = inf
    if found is None or value in (inf, -inf):
        raise ApplicationError(
            "This is no place in the list; start again from its first page.", extra={"field": "after"}
        )
    return value, int(found["id"])


def write_place(row: Row) -> str:
    """The place of a row for an address."""
    value, pk = row
    return f":{pk}" if value is None else f"{value!r}:{pk}"
