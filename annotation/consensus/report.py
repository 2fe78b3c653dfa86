"""PURE. The consensus report: sources, people, and what the model thinks of the crowd."""

from typing import Any

import numpy as np

from annotation.consensus.choices import Choices
from annotation.consensus.comparisons import Comparisons
from annotation.consensus.crowd import CrowdFit, fit_crowd
from annotation.consensus.habits import POSITION, RELIABILITY
from annotation.consensus.habits import TIE as TIE_TENDENCY
from annotation.consensus.leaderboard import Z95, rank_sources
from annotation.consensus.predictions import predict_pairs
from annotation.consensus.tables import Dropped, compare_sources, compare_texts

NO_CHOICES = "Undefined: nobody has chosen between two different responses yet."
NO_SOURCES = "Undefined: no choice is between responses of two named sources."


def consensus_report(choices: Choices) -> dict[str, Any]:
    """The report as JSON has it; a part that is undefined is null, and `notes` says why.

    Deterministic: the same choices in any order give the same numbers.
    """
    texts, dropped = compare_texts(choices)
    fit = fit_crowd(texts) if texts.choices else None
    sources, source_dropped = compare_sources(choices)
    return {
        "crowd": None if fit is None else describe_crowd(fit),
        "people": None if fit is None else describe_people(fit),
        "pairs": None if fit is None else describe_pairs(fit),
        "leaderboard": describe_sources(sources, choices) if sources.choices else None,
        "dropped": _count_dropped(dropped, source_dropped),
        "notes": {
            **({"crowd": NO_CHOICES} if fit is None else {}),
            **({} if sources.choices else {"leaderboard": NO_SOURCES}),
        },
    }


def describe_crowd(fit: CrowdFit) -> dict[str, Any]:
    """The crowd as a whole, with how its numbers were found."""
    data, widths = fit.comparisons, fit.widths
    bias, error = fit.habits.centre[POSITION], fit.habits.centre_error(widths)[POSITION]
    knows_order = bool(data.shown.any())
    return {
        "choices": data.choices,
        "pairs": data.pairs,
        "texts": data.items,
        "annotators": data.annotators,
        "position_bias": _interval(bias, error) if knows_order else None,
        "position_note": "" if knows_order else "Undefined: the order in which responses were shown is not known.",
        "spread_of_reliability": widths.reliability,
        "spread_of_position": widths.position if knows_order else None,
        "rounds": fit.rounds,
        "has_converged": fit.has_converged,
        "method": "annotator-aware Bradley-Terry with ties (Davidson), partial pooling, Gaussian intervals, 95%",
    }


def describe_people(fit: CrowdFit) -> list[dict[str, Any]]:
    """Each annotator, those with most choices first."""
    data, habits = fit.comparisons, fit.habits
    count = np.bincount(data.annotator, minlength=data.annotators)
    seen = np.bincount(data.annotator, data.shown != 0, minlength=data.annotators)
    return [
        {
            "annotator": int(data.annotator_ids[number]),
            "choices": int(count[number]),
            "reliability": _interval(habits.value[number, RELIABILITY], habits.error[number, RELIABILITY]),
            "position_bias": _interval(habits.value[number, POSITION], habits.error[number, POSITION])
            if seen[number]
            else None,
            "tie_tendency": _interval(habits.value[number, TIE_TENDENCY], habits.error[number, TIE_TENDENCY])
            if np.isfinite(habits.value[number, TIE_TENDENCY])
            else None,
        }
        for number in np.lexsort((data.annotator_ids, -count))
    ]


def describe_pairs(fit: CrowdFit) -> dict[str, Any]:
    """How sure the consensus is over all pairs of texts."""
    better = np.abs(fit.difference) / fit.difference_error
    _, even, _ = predict_pairs(fit)
    lead = np.bincount(
        fit.comparisons.pair,
        fit.comparisons.weight * (1.0 - fit.comparisons.answer),
        minlength=fit.comparisons.pairs,
    )
    return {
        "decided": int((better > Z95).sum()),
        "open": int((better <= Z95).sum()),
        "mostly_ties": int((even > 0.5).sum()),
        "against_majority": int(((np.sign(lead) * np.sign(fit.difference)) < 0).sum()),
    }


def describe_sources(sources: Comparisons, choices: Choices) -> dict[str, Any]:
    """The leaderboard, with an interval for each source."""
    fit = fit_crowd(sources)
    board = rank_sources(fit, cluster=prompts_of_pairs(sources, choices))
    return {"sources": board.sources, "method": board.method, "pairs": sources.pairs, "choices": sources.choices}


def prompts_of_pairs(sources: Comparisons, choices: Choices) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """[P] the prompt of each pair of a source table, by the pair's id: the row of one of its choices."""
    return np.asarray(choices.facts.prompt[choices.first[sources.pair_ids]], np.int64)


def _interval(value: float, error: float) -> dict[str, float]:
    return {"value": float(value), "low": float(value - Z95 * error), "high": float(value + Z95 * error)}


def _count_dropped(texts: Dropped, sources: Dropped) -> dict[str, int]:
    return {
        "identical_responses": texts.identical,
        "unnamed_source": sources.unnamed,
        "same_source": sources.same_source,
        "rare_source": sources.rare_source,
    }
