"""PURE. The shape of one check."""

from collections.abc import Sequence
from typing import Literal, TypedDict

MOST_ROWS = 50
Dimension = Literal["clean", "consistent", "relevant", "diverse", "balanced"]
Kind = Literal["prompt", "response", "task"]


class Row(TypedDict):
    """Where to look."""

    kind: Kind
    id: int
    note: str


class Check(TypedDict):
    """One line of the data-health report."""

    dimension: Dimension
    check: str
    count: int | None
    """None where it is undefined; `note` says why."""
    of: int | None
    """Out of how many; None where there is no such number."""
    value: float | None
    """A number beside the count, where the check has one."""
    rows: list[Row]
    """The first 50."""
    table: list[tuple[str, int]]
    """Counts by name, largest first, for checks of balance."""
    note: str


def make_check(
    dimension: Dimension,
    check: str,
    count: int | None,
    *,
    of: int | None = None,
    value: float | None = None,
    rows: Sequence[Row] = (),
    table: Sequence[tuple[str, int]] = (),
    note: str = "",
) -> Check:
    """The check, with no more rows than a page shows."""
    return {
        "dimension": dimension, "check": check, "count": count, "of": of, "value": value,
        "rows": list(rows[:MOST_ROWS]), "table": list(table[:MOST_ROWS]), "note": note,
    }  # fmt: skip


def make_rows(kind: Kind, ids: Sequence[int], notes: Sequence[str] | str = "") -> list[Row]:
    """Rows of one kind."""
    texts = [notes] * len(ids) if isinstance(notes, str) else notes
    pairs = list(zip(ids, texts, strict=False))[:MOST_ROWS]
    return [Row(kind=kind, id=int(pk), note=text) for pk, text in pairs]
