"""Where numbers with intervals stand in a picture."""

from hypothesis import given
from hypothesis import strategies as st

from annotation.web.interval_plot import LEFT, MOST_ROWS, RIGHT, IntervalRow, choose_ticks, place_rows


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_ticks_cover_both_ends_and_are_few(one: float, other: float) -> None:
    low, high = sorted((one, other))
    ticks = choose_ticks(low, high)
    assert ticks[0] <= low + 1e-6 and ticks[-1] >= high - 1e-6
    assert 2 <= len(ticks) <= 8 and ticks == sorted(set(ticks))


def test_rows_stand_where_their_numbers_are() -> None:
    rows = [IntervalRow("a", 0.5, 0.25, 1.0, "50%"), IntervalRow("b", None, None, None, "not known")]
    plot = place_rows(rows, reference=0.0)
    first, second = plot.rows
    assert (first.x, first.x_low, first.x_high) == ((LEFT + RIGHT) / 2, LEFT + (RIGHT - LEFT) / 4, RIGHT)
    assert second.x is None and second.y > first.y and plot.reference_x == LEFT
    assert plot.description == "a: 50%; b: not known"


def test_one_number_without_an_interval_is_drawn() -> None:
    plot = place_rows([IntervalRow("x" * 99, 3.0, None, None, "3")])
    assert LEFT <= (plot.rows[0].x or 0) <= RIGHT and plot.rows[0].name.endswith("…")


def test_an_axis_that_is_given_holds_everything() -> None:
    plot = place_rows([IntervalRow("a", 0.5, -3.0, 9.0, "0.5")], axis=(0.0, 1.0))
    row = plot.rows[0]
    assert (row.x_low, row.x, row.x_high) == (LEFT, (LEFT + RIGHT) / 2, RIGHT)


def test_a_picture_says_how_many_rows_it_leaves_out() -> None:
    plot = place_rows([IntervalRow(str(number), 0.5, None, None, "0.5") for number in range(MOST_ROWS + 3)])
    assert len(plot.rows) == MOST_ROWS and plot.description.endswith("and 3 more in the table")
    assert plot.height > plot.rows[-1].y


def test_an_axis_of_nothing_but_the_reference_names_each_tick_once() -> None:
    plot = place_rows([IntervalRow("b", None, None, None, "not known")], reference=0.5, percent=True)
    names = [name for _, name in plot.ticks]
    assert (names[0], names[-1], len(set(names))) == ("0%", "100%", len(names))
