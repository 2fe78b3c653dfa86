"""Statistics in words and coordinates."""

from typing import Any

import pytest

from annotation.web.agreement_view import agreement_figure, describe_agreement, head_statistics, statistics_figure
from annotation.web.interval_plot import LEFT, RIGHT, IntervalPlot


def statistic(criterion: str, level: str, value: float | None, **more: Any) -> dict[str, Any]:
    low, high = (None, None) if value is None else (value - 0.1, value + 0.1)
    return {
        "criterion": criterion, "level": level, "statistic": "krippendorff_alpha", "value": value, "low": low,
        "high": high, "units": 3, "annotators": 2, "judgments": 6, "dropped": 1, "method": "bootstrap",
        "note": "" if value is not None else "Undefined: no two annotators judged the same.", **more,
    }  # fmt: skip


def test_scores_are_headed_by_the_interval_alpha_rankings_by_the_rank_one() -> None:
    statistics = [
        statistic("tone", "nominal", 0.1), statistic("tone", "interval", 0.5), statistic("ranking", "rank", 0.7),
        statistic("preference", "nominal", 0.2), statistic("preference", "ordinal", 0.3),
    ]  # fmt: skip
    assert [each["value"] for each in head_statistics(statistics)] == [0.5, 0.7, 0.3]


def test_headline_groups_criteria_by_how_well_people_agree() -> None:
    statistics = [
        statistic("helpfulness", "interval", 0.7), statistic("correctness", "interval", 0.69),
        statistic("tone", "interval", 0.29),
    ]  # fmt: skip
    assert describe_agreement(statistics) == "People agree well on helpfulness and correctness and poorly on tone."


def test_headline_below_chance() -> None:
    assert describe_agreement([statistic("tone", "interval", -0.2)]) == "People agree no better than by chance on tone."


def test_headline_without_overlap_gives_no_number() -> None:
    sentence = "Not enough overlap to tell how far people agree."
    assert describe_agreement([statistic("tone", "interval", None)]) == sentence
    assert describe_agreement([]) == sentence


def drawn(statistics: list[dict[str, Any]]) -> IntervalPlot:
    plot = agreement_figure(statistics, gate=0.6).drawing
    assert isinstance(plot, IntervalPlot)
    return plot


def test_plot_places_values_on_one_axis() -> None:
    plot = drawn([statistic("a", "interval", 0.5), statistic("b", "interval", 1.0, high=1.0)])
    assert [row.x for row in plot.rows] == [(LEFT + RIGHT) / 2, RIGHT]
    assert (plot.ticks[0], plot.ticks[-1]) == ((LEFT, "0"), (RIGHT, "1"))
    assert plot.reference_x == LEFT + 0.6 * (RIGHT - LEFT)


@pytest.mark.parametrize(("value", "start"), [(-0.3, "-0.5"), (-0.8, "-1"), (-7.0, "-1"), (0.2, "0")])
def test_plot_shows_agreement_below_chance(value: float, start: str) -> None:
    plot = drawn([statistic("a", "interval", value)])
    assert plot.ticks[0] == (LEFT, start)
    assert (plot.rows[0].x_low or 0) >= LEFT


def test_undefined_statistic_keeps_its_reason() -> None:
    figure = agreement_figure([statistic("a", "interval", None)], gate=0.6)
    assert drawn([statistic("a", "interval", None)]).rows[0].x is None
    assert "no two annotators" in figure.cells[0][-1] and figure.table[0][-1][0] == figure.cells[0][-1]


def test_table_names_what_people_read() -> None:
    figure = statistics_figure([statistic("ranking", "rank", 0.5)])
    assert [text for text, _ in figure.table[0][:2]] == ["Overall rank", "Krippendorff's α"]
    assert figure.cells[0][:2] == ["ranking", "krippendorff_alpha"]
