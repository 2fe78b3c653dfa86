"""Where numbers with intervals stand in a picture."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.web.downloads import guard_cell
from annotation.web.interval_plot import LEFT, RIGHT, IntervalRow, choose_ticks, place_rows


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_ticks_cover_both_ends_and_are_few(one: float, other: float) -> None:
    low, high = sorted((one, other))
    ticks = choose_ticks(low, high)
    assert ticks[0] <= low + 1e-6 and ticks[-1] >= high - 1e-6
    assert 2 <= len(ticks) <= 8 and ticks == sorted(set(ticks))


def test_rows_stand_where_their_numbers_are() -> None:
    rows = [IntervalRow("a", 0.5, 0.25, 1.0, "50%"), IntervalRow("b", None, None, None, "not known")]
    plot = place_rows(rows, title="t", reference=0.0)
    first, second = plot.rows
    assert (first.x, first.x_low, first.x_high) == ((LEFT + RIGHT) / 2, LEFT + (RIGHT - LEFT) / 4, RIGHT)
    assert second.x is None and second.y > first.y and plot.reference_x == LEFT
    assert plot.description == "a: 50%; b: not known"


def test_one_number_without_an_interval_is_drawn() -> None:
    plot = place_rows([IntervalRow("x" * 99, 3.0, None, None, "3")], title="t")
    assert LEFT <= (plot.rows[0].x or 0) <= RIGHT and plot.rows[0].name.endswith("…")


@pytest.mark.parametrize(("cell", "written"), [("=1+1", "'=1+1"), ("@x", "'@x"), (-1.5, -1.5), (None, ""), ("a", "a")])
def test_a_spreadsheet_takes_no_text_for_a_formula(cell: object, written: object) -> None:
    assert guard_cell(cell) == written
