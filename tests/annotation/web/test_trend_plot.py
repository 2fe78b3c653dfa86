from typing import Any

from annotation.web.trend_plot import BOTTOM, LEFT, MOST_BARS, MOST_WEEKS, RIGHT, TOP, plot_trend
from annotation.web.trend_view import describe_trend


def week(monday: str, value: float | None, half: float = 0.1) -> dict[str, Any]:
    low, high = (None, None) if value is None else (value - half, value + half)
    return {
        "criterion": "ranking", "statistic": "krippendorff_alpha", "week": monday, "value": value, "low": low,
        "high": high, "note": "" if value is not None else "Too few.",
    }  # fmt: skip


def test_weeks_stand_by_their_dates_and_a_gap_breaks_the_line() -> None:
    plot = plot_trend([week("2026-02-02", 0.5), week("2026-02-09", 0.6), week("2026-03-02", 0.7)])
    assert [each.x for each in plot.points] == [LEFT, LEFT + (RIGHT - LEFT) / 4, RIGHT]
    assert len(plot.lines) == 1
    assert plot.points[0].y > plot.points[1].y > plot.points[2].y
    assert [name for _, _, name in plot.weeks] == ["2026-02-02", "2026-03-02"]
    assert "week of 2026-02-09: 0.60 (0.50 to 0.70)" in plot.description


def test_a_week_without_a_number_is_marked_and_never_drawn_as_0() -> None:
    plot = plot_trend([week("2026-02-02", 0.5), week("2026-02-09", None), week("2026-02-16", 0.6)])
    assert (len(plot.points), plot.lines, plot.without) == (2, [], [(LEFT + RIGHT) / 2])
    assert "2026-02-09: Too few." in plot.description


def test_one_week_and_none() -> None:
    plot = plot_trend([week("2026-02-02", 0.5)], reference=0.6, reference_name="gate")
    assert plot.points[0].x == (LEFT + RIGHT) / 2
    assert plot.reference_y is not None
    assert TOP <= plot.reference_y <= BOTTOM
    assert plot_trend([]).points == []


def test_an_axis_of_one_number_or_none_reaches_to_1_and_names_each_tick_once() -> None:
    bare = {**week("2026-02-02", 0.6), "low": None, "high": None}
    for plot in (
        plot_trend([week("2026-02-02", None)], reference=0.6, reference_name="gate"),
        plot_trend([bare]),
        plot_trend([bare], reference=0.6, reference_name="gate"),
    ):
        assert [name for _, name in plot.ticks] == ["0", "0.2", "0.4", "0.6", "0.8", "1"]
    below = {**bare, "value": -0.5}
    names = [name for _, name in plot_trend([below]).ticks]
    assert (len(set(names)), names[-1]) == (len(names), "1")
    assert float(names[0]) <= -0.5


def test_many_weeks_get_a_band_and_only_the_newest_are_drawn() -> None:
    weeks = [
        week(f"{year}-{month:02d}-{day:02d}", 0.5)
        for year in range(2019, 2027)
        for month in range(1, 13)
        for day in (1, 8)
    ]
    plot = plot_trend(weeks)
    assert len(plot.points) == MOST_WEEKS
    assert plot.bands
    assert not plot_trend(weeks[:MOST_BARS]).bands


def test_the_headline_tells_only_what_is_beyond_doubt() -> None:
    assert describe_trend([week("2026-02-02", 0.5), week("2026-02-09", 0.9)]) == "Agreement rose on overall rank."
    assert describe_trend([week("2026-02-02", 0.9), week("2026-02-09", 0.5)]) == "Agreement fell on overall rank."
    assert "holds steady" in describe_trend([week("2026-02-02", 0.5), week("2026-02-09", 0.6)])
    assert "Not enough weeks" in describe_trend([week("2026-02-02", 0.5), week("2026-02-09", None)])
