"""PURE. Agreement week by week in the words and figures of its page."""

from collections.abc import Mapping, Sequence
from typing import Any

from annotation.agreement.trend import ALPHA, FOLLOWED
from annotation.web.agreement_view import name_criterion, name_statistic
from annotation.web.figures import HIGH, LOW, METHOD, NOTE, VALUE, Column, Figure, show_count, text_column
from annotation.web.trend_plot import plot_trend

COLUMNS = (
    text_column("week", "Week of"), VALUE, LOW, HIGH, Column("tasks", "Tasks", show_count),
    Column("units", "Units", show_count), Column("judgments", "Judgments", show_count), METHOD, NOTE,
)  # fmt: skip
SUB = (
    "A task belongs to the week in which its last judgment was given. Bars and bands are 95% intervals; × marks a week "
    "without a number, and the table says why."
)


def statistics_of(trend: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """(name, words) of the statistics that there are."""
    present = {each["statistic"] for each in trend}
    return [(name, name_statistic(name)) for name in FOLLOWED if name in present]


def trend_figures(trend: Sequence[Mapping[str, Any]], *, gate: float) -> list[Figure]:
    """One figure a criterion and statistic, in their order."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for each in trend:
        groups.setdefault((each["criterion"], each["statistic"]), []).append(each)
    places = {criterion: place for place, criterion in enumerate(dict.fromkeys(key[0] for key in groups), start=1)}
    return [
        _figure(f"trend-{places[criterion]}-{statistic}", criterion, statistic, records, gate)
        for (criterion, statistic), records in groups.items()
    ]


def _figure(name: str, criterion: str, statistic: str, records: list[Mapping[str, Any]], gate: float) -> Figure:
    """The newest week first in the table."""
    reference = {"reference": gate, "reference_name": "gate"} if statistic == ALPHA else {}
    drawing = plot_trend(records, **reference)  # type: ignore[arg-type]
    title = f"{name_criterion(criterion)}: {name_statistic(statistic)}"
    return Figure(name, title, SUB, COLUMNS, records[::-1], drawing)


def describe_trend(trend: Sequence[Mapping[str, Any]]) -> str:
    """The headline: what moved beyond doubt between the first and the last week that have a number."""
    moved: dict[str, list[str]] = {"rose": [], "fell": []}
    seen = 0
    for criterion in dict.fromkeys(each["criterion"] for each in trend):
        weeks = [each for each in trend if each["criterion"] == criterion and each["statistic"] == ALPHA]
        known = [each for each in weeks if each["low"] is not None]
        seen += len(known) > 1
        if len(known) > 1 and known[-1]["low"] > known[0]["high"]:
            moved["rose"].append(name_criterion(criterion).lower())
        elif len(known) > 1 and known[-1]["high"] < known[0]["low"]:
            moved["fell"].append(name_criterion(criterion).lower())
    if not seen:
        return "Not enough weeks to tell a trend."
    told = [f"{verb} on {' and '.join(names)}" for verb, names in moved.items() if names]
    return f"Agreement {' and '.join(told)}." if told else "Agreement holds steady, as far as the numbers show."
