"""Statistics in words and coordinates."""

from typing import Any

from annotation.web.agreement_view import describe_agreement, head_statistics, plot_agreement, table_statistics


def statistic(criterion: str, level: str, value: float | None, **more: Any) -> dict[str, Any]:
    low, high = (None, None) if value is None else (value - 0.1, value + 0.1)
    return {
        "criterion": criterion, "level": level, "statistic": "krippendorff_alpha", "value": value, "low": low,
        "high": high, "note": "" if value is not None else "Undefined: no two annotators judged the same.", **more,
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


def test_plot_places_values_on_one_axis() -> None:
    plot = plot_agreement([statistic("a", "interval", 0.5), statistic("b", "interval", 1.0, high=1.0)], gate=0.6)
    assert [row.x for row in plot.rows] == [256.0, 500.0]
    assert plot.ticks == [(12.0, 0.0), (256.0, 0.5), (500.0, 1.0)]
    assert plot.gate_x == 304.8


def test_plot_shows_agreement_below_chance() -> None:
    plot = plot_agreement([statistic("a", "interval", -0.3)], gate=0.6)
    assert plot.ticks[0] == (12.0, -0.5)
    assert plot.rows[0].x_low >= 12.0


def test_undefined_statistic_keeps_its_reason() -> None:
    [row] = plot_agreement([statistic("a", "interval", None)], gate=0.6).rows
    assert row.value is None
    assert "no two annotators" in row.note


def test_table_names_what_people_read() -> None:
    [row] = table_statistics([statistic("ranking", "rank", 0.5)])
    assert (row["criterion"], row["statistic"]) == ("Overall rank", "Krippendorff's α")
