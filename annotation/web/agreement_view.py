"""PURE. An agreement report in the words and coordinates of its page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LEVELS = {"preference": "ordinal", "ranking": "rank"}
"""Which alpha stands for a criterion; scores take the interval one."""
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
BY_CHANCE = "no better than by chance"
LEFT, RIGHT, ROW_HEIGHT, TOP, BELOW = 12.0, 500.0, 58.0, 62.0, 22.0
"""Names stand above their line, so that the plot is legible at the width of a phone."""
LABEL_CHARACTERS = 34


@dataclass(frozen=True, slots=True)
class PlotRow:
    """One criterion in the plot; all lengths in the plot's own units."""

    name: str
    y: float
    value: float | None
    low: float | None
    high: float | None
    x: float
    x_low: float
    x_high: float
    note: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Alpha by criterion with intervals on one axis."""

    rows: list[PlotRow]
    ticks: list[tuple[float, float]]
    """(x, value) of the axis' marks."""
    gate_x: float
    height: float
    right: float = RIGHT


def name_criterion(criterion: str) -> str:
    """A criterion as a page says it."""
    return NAMES.get(criterion) or criterion.replace("-", " ").replace("_", " ").capitalize()


def head_statistics(statistics: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """For each criterion the one alpha that its scale asks for."""
    return [
        each
        for each in statistics
        if each["statistic"] == "krippendorff_alpha" and each["level"] == LEVELS.get(each["criterion"], "interval")
    ]


def describe_agreement(statistics: Sequence[Mapping[str, Any]]) -> str:
    """The headline: which criteria people agree on, and how well."""
    by_band: dict[str, list[str]] = {}
    for each in head_statistics(statistics):
        if each["value"] is not None:
            by_band.setdefault(_band(each["value"]), []).append(_spoken(each["criterion"]))
    if not by_band:
        return "Not enough overlap to tell how far people agree."
    order = [*(words for _, words in BANDS), BY_CHANCE]
    parts = [f"{words} on {_join(by_band[words])}" for words in order if words in by_band]
    return f"People agree {_join(parts)}."


def plot_agreement(statistics: Sequence[Mapping[str, Any]], *, gate: float) -> Plot:
    """The head statistics as rows of an interval plot."""
    heads = head_statistics(statistics)
    lowest = min((each["low"] for each in heads if each["low"] is not None), default=0.0)
    start = 0.0 if lowest >= 0 else max(-1.0, -0.5 if lowest >= -0.5 else -1.0)

    def place(value: float | None) -> float:
        shown = start if value is None else min(max(value, start), 1.0)
        return round(LEFT + (RIGHT - LEFT) * (shown - start) / (1 - start), 1)

    rows = [
        PlotRow(
            name=_fit(name_criterion(each["criterion"])), y=TOP + index * ROW_HEIGHT, value=each["value"],
            low=each["low"], high=each["high"], x=place(each["value"]), x_low=place(each["low"]),
            x_high=place(each["high"]), note=each["note"],
        )
        for index, each in enumerate(heads)
    ]  # fmt: skip
    ticks = [(place(value), value) for value in (-1.0, -0.5, 0.0, 0.5, 1.0) if value >= start]
    return Plot(rows=rows, ticks=ticks, gate_x=place(gate), height=TOP + (len(rows) - 1) * ROW_HEIGHT + BELOW)


def table_statistics(statistics: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every statistic with names that people read."""
    return [
        {
            **each,
            "criterion": name_criterion(each["criterion"]),
            "statistic": STATISTICS.get(each["statistic"], each["statistic"]),
        }
        for each in statistics
    ]


def _band(value: float) -> str:
    return next((words for least, words in BANDS if value >= least), BY_CHANCE)


def _spoken(criterion: str) -> str:
    return {"preference": "which response is better", "ranking": "the overall rank"}.get(
        criterion, name_criterion(criterion).lower()
    )


def _join(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _fit(name: str) -> str:
    return name if len(name) <= LABEL_CHARACTERS else f"{name[: LABEL_CHARACTERS - 1]}…"
