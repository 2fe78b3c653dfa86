"""PURE. Figures: a picture of numbers, the same numbers as a table, and both as files that stand alone."""

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

DASH = "–"
MOST_TABLE_ROWS = 100
"""On a page; files have all rows."""
TITLE_CHARACTERS, SMALL_CHARACTERS = 62, 92
TITLE_STEP, SMALL_STEP, MARGIN = 22.0, 16.0, 12.0
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML cannot hold, not even as a reference."""


class Drawing(Protocol):
    """What a template draws. Its classes are those of css/pages.css, which annotation/figure.svg repeats for files."""

    @property
    def template(self) -> str:
        """Marks without the <svg> around them; the drawing is `plot` in it."""
        ...

    @property
    def description(self) -> str:
        """The numbers in words, for those who do not see the picture."""
        ...

    @property
    def width(self) -> float: ...

    @property
    def height(self) -> float: ...


def show_text(value: Any) -> str:
    """Text as it is; a dash where there is none."""
    return DASH if value in (None, "") else str(value)


def show_number(value: float | None) -> str:
    """Three digits after the point."""
    return DASH if value is None else f"{value:.3f}"


def show_share(value: float | None) -> str:
    """A share in percent."""
    return DASH if value is None else f"{value:.1%}"


def show_count(value: float | None) -> str:
    """A whole number with thousands set apart; a sum of shares with one digit more."""
    return DASH if value is None else f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def show_method(method: str) -> str:
    """The kind of an interval; files have its particulars."""
    kind = re.split("[,;]", method)[0]
    return next((short for short in ("bootstrap", "linearised", "Wilson") if short in kind), kind) or DASH


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a figure's table."""

    name: str
    """The key of the rows, and the head of the column in files."""
    label: str
    show: Callable[[Any], str] = show_number
    """The cell as the page shows it; files carry the value itself."""
    is_number: bool = True
    shown: str = ""
    """The key of the row's own text for the page, where units differ from row to row."""

    def show_row(self, row: Mapping[str, Any]) -> str:
        """The cell of a row as the page shows it."""
        return str(row[self.shown]) if self.shown else self.show(row.get(self.name))


def text_column(name: str, label: str, show: Callable[[Any], str] = show_text) -> Column:
    """A column of words."""
    return Column(name, label, show, is_number=False)


VALUE, LOW, HIGH = Column("value", "Value"), Column("low", "95% from"), Column("high", "to")
METHOD = text_column("method", "Interval by", show_method)
NOTE = text_column("note", "Remark", lambda note: note or "")


@dataclass(frozen=True, slots=True)
class Figure:
    """Numbers that a page shows as a picture and as a table, and that can be saved as SVG and as CSV."""

    name: str
    """In addresses and file names; one of its own on each page."""
    title: str
    sub: str
    """What the numbers are, and how to read them."""
    columns: Sequence[Column]
    """The first one names the row."""
    rows: Sequence[Mapping[str, Any]]
    drawing: Drawing | None = None

    @property
    def page_columns(self) -> list[Column]:
        """What a page shows: columns of words only where there are some."""
        return [column for column in self.columns if column.is_number or any(row.get(column.name) for row in self.rows)]

    @property
    def table(self) -> list[list[tuple[str, bool]]]:
        """[rows][columns of the page] (text, is a number), as far as a page shows them."""
        columns = self.page_columns
        return [[(column.show_row(row), column.is_number) for column in columns] for row in self.rows[:MOST_TABLE_ROWS]]

    @property
    def more_rows(self) -> int:
        """Rows that only the file has."""
        return max(len(self.rows) - MOST_TABLE_ROWS, 0)

    @property
    def cells(self) -> list[list[Any]]:
        """[rows][columns] the values, none rounded."""
        return [[row.get(column.name) for column in self.columns] for row in self.rows]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text above or below a saved picture."""

    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """A picture with what a page would say around it. All lengths in the picture's own units."""

    title: list[Line]
    small: list[Line]
    """What the numbers are; whose they are, and of when."""
    top: float
    """Where the picture begins."""
    width: float
    height: float


def lay_out_sheet(figure: Figure, drawing: Drawing, *, place: str, computed_at: datetime) -> Sheet:
    """The figure as a file of its own.

    place: the project's name.
    """
    title, y = _stack(figure.title, MARGIN, TITLE_STEP, TITLE_CHARACTERS)
    small, y = _stack(figure.sub, y, SMALL_STEP, SMALL_CHARACTERS)
    top = y + MARGIN
    made = f"{place} · computed {computed_at:%Y-%m-%d %H:%M %Z} · Concord"
    below, height = _stack(made, top + drawing.height + MARGIN, SMALL_STEP, SMALL_CHARACTERS)
    return Sheet(title, small + below, top, drawing.width, height + MARGIN)


def _stack(text: str, y: float, step: float, characters: int) -> tuple[list[Line], float]:
    """The text in lines of at most so many characters, and where they end."""
    lines = textwrap.wrap(text, characters)
    return [Line(y + step * number, line) for number, line in enumerate(lines, start=1)], y + step * len(lines)
