"""Figures as tables and as sheets of their own."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.web.figures import (
    MOST_TABLE_ROWS,
    NOTE,
    UNPRINTABLE,
    VALUE,
    Column,
    Figure,
    lay_out_sheet,
    show_count,
    show_method,
    show_share,
    text_column,
)
from annotation.web.interval_plot import IntervalRow, place_rows

COLUMNS = (text_column("name", "Name"), VALUE, Column("n", "N", show_count), NOTE)
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def figure(rows: int = 1, *, title: str = "Title", sub: str = "What it is.") -> Figure:
    drawing = place_rows([IntervalRow("a", 0.5, 0.4, 0.6, "0.5")])
    return Figure("f", title, sub, COLUMNS, [{"name": "a", "value": 1 / 3, "n": 1234}] * rows, drawing)


def test_the_page_rounds_and_the_file_does_not() -> None:
    assert figure().table == [[("a", False), ("0.333", True), ("1,234", True)]]
    assert figure().cells == [["a", 1 / 3, 1234, None]]


def test_the_page_leaves_out_columns_without_a_word() -> None:
    assert [column.label for column in figure().page_columns] == ["Name", "Value", "N"]
    noted = Figure("f", "t", "s", COLUMNS, [{"name": "a"}, {"name": "b", "note": "why"}])
    assert [column.label for column in noted.page_columns] == ["Name", "Value", "N", "Remark"]
    assert [text for text, _ in noted.table[0]] == ["a", "–", "–", ""]


def test_a_number_that_is_not_known_is_a_dash_and_never_0() -> None:
    unknown = Figure("f", "t", "s", COLUMNS, [{"name": "b", "value": None, "n": None, "note": "Undefined: why."}])
    assert [text for text, _ in unknown.table[0]] == ["b", "–", "–", "Undefined: why."]
    assert show_share(0.0) == "0.0%" and show_count(0.5) == "0.5" and show_count(2.0) == "2"


@pytest.mark.parametrize(
    ("method", "shown"),
    [
        ("cluster bootstrap over tasks, 2000 Poisson resamples", "bootstrap"), ("Wilson interval, 95%; x", "Wilson"),
        ("linearised over tasks, Student's t", "linearised"), ("F distribution", "F distribution"), ("", "–"),
    ],
)  # fmt: skip
def test_the_page_names_the_kind_of_an_interval(method: str, shown: str) -> None:
    assert show_method(method) == shown


def test_the_page_has_the_first_rows_and_the_file_all() -> None:
    long = figure(MOST_TABLE_ROWS + 7)
    assert (len(long.table), long.more_rows, len(long.cells)) == (MOST_TABLE_ROWS, 7, MOST_TABLE_ROWS + 7)
    assert figure().more_rows == 0


@given(title=st.text("ab ", max_size=300), sub=st.text("ab ", max_size=900), place=st.text("ab ", max_size=200))
def test_no_line_of_a_sheet_covers_another_or_the_picture(title: str, sub: str, place: str) -> None:
    made = figure(title=title, sub=sub)
    assert made.drawing is not None
    sheet = lay_out_sheet(made, made.drawing, place=place, computed_at=NOON)
    lines = [line.y for line in sheet.title + sheet.small]
    above = [y for y in lines if y <= sheet.top]
    below = [y for y in lines if y > sheet.top]
    assert lines == sorted(set(lines)) and above + below == lines
    assert below[0] >= sheet.top + made.drawing.height and below[-1] < sheet.height
    assert max(len(line.text) for line in sheet.title + sheet.small) <= 92


def test_a_sheet_says_whose_numbers_of_when_they_are() -> None:
    made = figure()
    assert made.drawing is not None
    sheet = lay_out_sheet(made, made.drawing, place="Bread", computed_at=NOON)
    assert sheet.small[-1].text == "Bread · computed 2026-11-27 12:00 UTC · Concord"


def test_what_no_xml_can_hold_is_known() -> None:
    assert UNPRINTABLE.sub("", "a\x00\x0b\ud800\ufffeb\tc\n") == "ab\tc\n"
