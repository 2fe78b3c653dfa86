"""PURE. The figures of a report's sections: sources and people, bias, data health."""

from collections.abc import Mapping, Sequence
from typing import Any

from annotation.web.figures import (
    HIGH,
    LOW,
    METHOD,
    NOTE,
    Column,
    Figure,
    show_count,
    show_number,
    show_share,
    text_column,
)
from annotation.web.interval_plot import IntervalRow, place_rows
from annotation.web.report_words import CHECKS, EFFECTS, WORRYING, format_effect, table_effects

SOURCE_COLUMNS = (
    text_column("source", "Source"),
    Column("win_share", "Preferred", show_share), Column("win_low", "95% from", show_share),
    Column("win_high", "to", show_share), Column("worth", "Worth"), LOW, HIGH,
    Column("best_rank", "Best rank", show_count), Column("worst_rank", "Worst rank", show_count),
    Column("wins", "Won", show_count), Column("ties", "Tied", show_count), Column("losses", "Lost", show_count),
)  # fmt: skip
PERSON = text_column("person", "Annotator")
SIMULATED = text_column("simulated", "Simulated")
EFFECT_VALUES = (
    Column("value", "Value", shown="shown"), Column("low", "95% from", shown="low_shown"),
    Column("high", "to", shown="high_shown"), Column("baseline", "Without it", show_share),
    Column("choices", "Choices", show_count), METHOD, NOTE,
)  # fmt: skip
LEANING = text_column("effect", "Leaning", lambda effect: EFFECTS[effect])
CROWD_COLUMNS = (
    PERSON, SIMULATED, Column("choices", "Choices", show_count),
    Column("reliability", "Reliability"), Column("reliability_low", "95% from"), Column("reliability_high", "to"),
    Column("position_bias", "Position bias"), Column("position_bias_low", "95% from"),
    Column("position_bias_high", "to"), Column("tie_tendency", "Tie tendency"),
    Column("tie_tendency_low", "95% from"), Column("tie_tendency_high", "to"),
)  # fmt: skip
HABITS = ("reliability", "position_bias", "tie_tendency")
CHECK_COLUMNS = (
    text_column("dimension", "Dimension"), text_column("check", "Check", lambda check: CHECKS[check]),
    Column("count", "Found", show_count), Column("of", "Of", show_count), Column("share", "Share", show_share),
    Column("value", "Value", show_number), NOTE,
)  # fmt: skip
DRAWN_EFFECTS = ("position", "length", "format")
"""Those that are 0.5 where choices lean to nothing."""


def sources_figure(content: Mapping[str, Any]) -> Figure | None:
    """The leaderboard; None where no sources can be compared."""
    board = content["leaderboard"]
    if board is None:
        return None
    rows = [
        IntervalRow(each["source"], each["win_share"], each["win_low"], each["win_high"], f"{each['win_share']:.0%}")
        for each in board["sources"]
    ]
    drawing = place_rows(rows, reference=0.5, reference_name="as good as the average", percent=True)
    sub = (
        "How often a typical person would prefer it to a response of the average source, ties half; 95% intervals. "
        f"{board['pairs']:,} pairs of responses; {board['method']}."
    )
    return Figure("sources", "Sources", sub, SOURCE_COLUMNS, board["sources"], drawing)


def crowd_figure(people: Sequence[Mapping[str, Any]]) -> Figure:
    """How far each person of a crowd is relied on."""
    rows = [
        {
            "person": each["pseudonym"],
            "simulated": "yes" if each["simulated"] else "no",
            "choices": each["choices"],
            **{name: (each[name] or {}).get("value") for name in HABITS},
            **{f"{name}_{end}": (each[name] or {}).get(end) for name in HABITS for end in ("low", "high")},
        }
        for each in people
    ]
    sub = (
        "Reliability: 1 is typical, 0 a coin, below 0 turned around. Position bias in log-odds for what is shown "
        "earlier. People with few choices are taken to be nearly typical."
    )
    return Figure("people", "People", sub, CROWD_COLUMNS, rows)


def leanings_figure(content: Mapping[str, Any]) -> Figure | None:
    """What the project's choices follow besides the text; None where nothing was ranked."""
    effects = table_effects(content["project"])
    if not effects:
        return None
    rows = [
        IntervalRow(each["name"], each["value"], each["low"], each["high"], format_effect(each))
        for each in effects
        if each["effect"] in DRAWN_EFFECTS
    ]
    drawing = place_rows(rows, reference=0.5, reference_name="no leaning", percent=True)
    sub = "Shares of strict choices with 95% intervals; ties as a share of all choices."
    return Figure("leanings", "The project's leanings", sub, (LEANING, *EFFECT_VALUES), effects, drawing)


def leanings_of_people_figure(content: Mapping[str, Any]) -> Figure:
    """The same of each person, one row a person and leaning."""
    rows = [
        {"person": person["pseudonym"], "simulated": "yes" if person["simulated"] else "no", **each}
        for person in content["people"]
        for each in table_effects(person["effects"])
    ]
    sub = "The same for each person; a dash where it is not known."
    return Figure("people", "People", sub, (PERSON, SIMULATED, LEANING, *EFFECT_VALUES), rows)


def checks_figure(content: Mapping[str, Any]) -> Figure:
    """What data health found: the picture has what ought not to be there and is, the table all checks."""
    checks = [{**each, "share": _share(each)} for each in content["checks"]]
    found = [each for each in checks if each["dimension"] in WORRYING and each["count"] and each["of"]]
    rows = [IntervalRow(CHECKS[each["check"]], each["share"], None, None, f"{each['share']:.1%}") for each in found]
    drawing = place_rows(rows, reference=0.0, reference_name="nothing found", percent=True) if rows else None
    sub = "What the checks of clean, consistent and relevant found, as a share of what they looked at."
    return Figure("checks", "All checks", sub, CHECK_COLUMNS, checks, drawing)


def _share(check: Mapping[str, Any]) -> float | None:
    return check["count"] / check["of"] if check["count"] is not None and check["of"] else None
