"""PURE. An agreement report in the words and coordinates of its page."""

from collections.abc import Mapping, Sequence
from typing import Any

from annotation.agreement.headline import head_statistics
from annotation.web.figures import HIGH, LOW, METHOD, NOTE, VALUE, Column, Figure, show_count, text_column
from annotation.web.interval_plot import IntervalRow, place_rows

NAMES = {"preference": "Preference", "ranking": "Overall rank"}
STATISTICS = {
    "krippendorff_alpha": "Krippendorff's α",
    "kendall_tau_b": "Kendall's τ-b, mean of pairs",
    "spearman_rho": "Spearman's ρ, mean of pairs",
    "kendall_w": "Kendall's W, mean of tasks",
    "top_choice_agreement": "Same best response",
    "fleiss_kappa": "Fleiss' κ",
    "cohen_kappa": "Cohen's κ, mean of pairs of people",
    "gwet_ac1": "Gwet's AC1",
    "gwet_ac2": "Gwet's AC2",
    "icc1": "ICC(1), one person of many",
    "icc1k": "ICC(1, k), mean of people",
    "icc2": "ICC(2), same scores",
    "icc2k": "ICC(2, k), same scores, mean of people",
    "icc3": "ICC(3), same order",
    "icc3k": "ICC(3, k), same order, mean of people",
    "percent_agreement": "Share of equal answers, each unit once",
    "pairwise_agreement": "Share of equal choices",
    "leave_one_out_accuracy": "One person against the others' majority",
}
# Krippendorff (2004, p. 241): rely on 0.8 and above, draw tentative conclusions down to 0.667. Below that, our words.
BANDS = ((0.8, "very well"), (0.667, "well"), (0.4, "in part"), (0.1, "poorly"))
HARDLY, BY_CHANCE, BELOW_CHANCE = "hardly better than by chance", "no better than by chance", "less than by chance"
ORDER = (*(words for _, words in BANDS), HARDLY, BY_CHANCE, BELOW_CHANCE)
WIDE = 0.4
"""An interval as wide as this spans most of what could be said."""
NO_OVERLAP = "Not enough overlap to tell how far people agree."
SAME_ANSWERS = "Everybody gives one and the same answer throughout, so agreement beyond chance cannot be told."
UNTOLD = "It cannot be told yet how far people agree."
ABOVE, ABOVE_UNSURE = "{} {} above it", "{} {} above it, but not surely"
BELOW_UNSURE, BELOW = "{} {} below it, but not surely", "{} {} below it"
SIDES = (ABOVE, ABOVE_UNSURE, BELOW_UNSURE, BELOW)
ALPHAS = (
    "1 is perfect agreement, 0 what chance would give. Rank distance for rankings, ordinal for choices between two, "
    "interval for scores; 95% intervals."
)


def name_criterion(criterion: str) -> str:
    """A criterion as a page says it."""
    return NAMES.get(criterion) or criterion.replace("-", " ").replace("_", " ").capitalize()


def name_statistic(statistic: str) -> str:
    """A statistic as a page says it."""
    return STATISTICS.get(statistic, statistic)


COLUMNS = (
    text_column("criterion", "Criterion", name_criterion), text_column("statistic", "Statistic", name_statistic),
    text_column("level", "Level"), VALUE, LOW, HIGH, Column("units", "Units", show_count),
    Column("annotators", "People", show_count), Column("judgments", "Judgments", show_count),
    Column("dropped", "Dropped", show_count), METHOD, NOTE,
)  # fmt: skip


def describe_agreement(statistics: Sequence[Mapping[str, Any]]) -> str:
    """The headline: which criteria people agree on, how well, and where that cannot be told."""
    heads = head_statistics(statistics)
    known = [each for each in heads if each["value"] is not None]
    if not known:
        compared = [bool(each["units"]) for each in heads]
        return NO_OVERLAP if not any(compared) else SAME_ANSWERS if all(compared) else UNTOLD
    by_band: dict[str, list[str]] = {}
    for each in known:
        by_band.setdefault(_band(each), []).append(_spoken(each["criterion"]))
    parts = [f"{words} on {_join(by_band[words])}" for words in ORDER if words in by_band]
    unsure = [_spoken(each["criterion"]) for each in known if _is_unsure(each)]
    untold = [_spoken(each["criterion"]) for each in heads if each["value"] is None]
    more = [f"Too few judgments to be sure about {_join(unsure)}."] if unsure else []
    more += [f"On {_join(untold)} it cannot be told."] if untold else []
    return " ".join([f"People agree {_join(parts)}.", *more])


def describe_gate(statistics: Sequence[Mapping[str, Any]], *, gate: float) -> str:
    """Which criteria pass the gate, and whether their intervals do; empty where nothing is known."""
    sides: dict[str, list[str]] = {}
    for each in head_statistics(statistics):
        if each["value"] is not None:
            sides.setdefault(_side(each, gate), []).append(_spoken(each["criterion"]))
    parts = [
        words.format(_join(sides[words]), "is" if len(sides[words]) == 1 else "are")
        for words in SIDES
        if words in sides
    ]
    return f"Gate of {gate:.2f}: {'; '.join(parts)}." if parts else ""


def agreement_figure(statistics: Sequence[Mapping[str, Any]], *, gate: float) -> Figure:
    """The head statistics as a picture with the gate, and as a table."""
    heads = head_statistics(statistics)
    rows = [
        IntervalRow(
            name_criterion(each["criterion"]), each["value"], each["low"], each["high"],
            "not enough overlap" if each["value"] is None else f"{each['value']:.2f}",
        )
        for each in heads
    ]  # fmt: skip
    lowest = min((row.low for row in rows if row.low is not None), default=0.0)
    start = 0.0 if lowest >= 0 else -0.5 if lowest >= -0.5 else -1.0
    drawing = place_rows(rows, reference=gate, reference_name="gate", axis=(start, 1.0))
    return Figure(
        "alpha", "Krippendorff's α by criterion", f"{ALPHAS} The gate is {gate:.2f}.", COLUMNS, heads, drawing
    )


def statistics_figure(statistics: Sequence[Mapping[str, Any]]) -> Figure:
    """Every statistic of the report as one table."""
    sub = "“Dropped” counts judgments that nobody else's can be compared with, or that the statistic has no use for."
    return Figure("statistics", "All statistics", sub, COLUMNS, statistics)


def statistics_by_criterion(statistics: Sequence[Mapping[str, Any]]) -> list[Figure]:
    """The same in parts, in the order of the report."""
    parts: dict[str, list[Mapping[str, Any]]] = {}
    for each in statistics:
        parts.setdefault(each["criterion"], []).append(each)
    return [
        Figure(f"statistics-{number}", name_criterion(criterion), f"{len(rows)} statistics", COLUMNS[1:], rows)
        for number, (criterion, rows) in enumerate(parts.items())
    ]


def _band(record: Mapping[str, Any]) -> str:
    words = next((words for least, words in BANDS if record["value"] >= least), BY_CHANCE)
    if words != BY_CHANCE or record["low"] is None:
        return words
    return HARDLY if record["low"] > 0 else BELOW_CHANCE if record["high"] < 0 else words


def _is_unsure(record: Mapping[str, Any]) -> bool:
    return record["low"] is None or record["high"] - record["low"] > WIDE


def _side(record: Mapping[str, Any], gate: float) -> str:
    above = record["value"] >= gate
    if record["low"] is None or record["low"] < gate <= record["high"]:
        return ABOVE_UNSURE if above else BELOW_UNSURE
    return ABOVE if above else BELOW


def _spoken(criterion: str) -> str:
    return {"preference": "which response is better", "ranking": "the overall rank"}.get(
        criterion, name_criterion(criterion).lower()
    )


def _join(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
