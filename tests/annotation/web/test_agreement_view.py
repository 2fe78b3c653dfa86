"""Statistics in words and coordinates."""

from typing import Any

import pytest

from annotation.agreement.headline import head_statistics
from annotation.web.agreement_view import (
    agreement_figure,
    describe_agreement,
    describe_gate,
    statistics_by_criterion,
    statistics_figure,
)
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


@pytest.mark.parametrize(
    ("value", "low", "high", "words"),
    [
        (0.8, 0.75, 0.85, "very well"), (0.667, 0.6, 0.7, "well"), (0.4, 0.3, 0.5, "in part"),
        (0.1, 0.05, 0.2, "poorly"), (0.05, 0.01, 0.09, "hardly better than by chance"),
        (0.05, -0.1, 0.2, "no better than by chance"), (-0.2, -0.3, -0.1, "less than by chance"),
    ],
)  # fmt: skip
def test_headline_says_how_well(value: float, low: float, high: float, words: str) -> None:
    record = {**statistic("tone", "interval", value), "low": low, "high": high}
    assert describe_agreement([record]) == f"People agree {words} on tone."


@pytest.mark.parametrize(("low", "high"), [(None, None), (0.2, 1.0)])
def test_headline_from_few_judgments_says_so(low: float | None, high: float | None) -> None:
    record = {**statistic("tone", "interval", 0.9), "low": low, "high": high}
    assert describe_agreement([record]) == "People agree very well on tone. Too few judgments to be sure about tone."


def test_headline_without_a_number_says_why() -> None:
    nobody, same = statistic("tone", "interval", None, units=0), statistic("clear", "interval", None)
    assert describe_agreement([nobody]) == "Not enough overlap to tell how far people agree."
    assert describe_agreement([]) == "Not enough overlap to tell how far people agree."
    assert describe_agreement([same]).startswith("Everybody gives one and the same answer")
    assert describe_agreement([nobody, same]) == "It cannot be told yet how far people agree."
    some = describe_agreement([statistic("kind", "interval", 0.9), nobody])
    assert some == "People agree very well on kind. On tone it cannot be told."


def test_gate_is_passed_failed_or_crossed() -> None:
    """An interval of 0.1 on either side."""
    values = {"a": 0.8, "b": 0.75, "c": 0.65, "d": 0.55, "e": 0.4, "f": None}
    records = [statistic(name, "interval", value) for name, value in values.items()]
    assert describe_gate(records, gate=0.6) == (
        "Gate of 0.60: a and b are above it; c is above it, but not surely; d is below it, but not surely; "
        "e is below it."
    )
    at = {**statistic("a", "interval", 0.6), "low": None, "high": None}
    assert describe_gate([at], gate=0.6) == "Gate of 0.60: a is above it, but not surely."
    assert describe_gate([statistic("a", "interval", None)], gate=0.6) == ""


def test_every_statistic_stands_under_its_criterion() -> None:
    records = [statistic("a", "nominal", 0.1), statistic("a", "interval", 0.2), statistic("ranking", "rank", 0.3)]
    assert [(part.title, len(part.rows)) for part in statistics_by_criterion(records)] == [
        ("A", 2), ("Overall rank", 1),
    ]  # fmt: skip


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
