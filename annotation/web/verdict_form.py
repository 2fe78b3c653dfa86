"""PURE. A verdict's form <-> an answer: a rank and a mark for each response, or a point on each scale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotation.exceptions import ApplicationError


@dataclass(frozen=True, slots=True)
class RankField:
    """The fields of one response in a ranking."""

    key: str
    letter: str
    rank: str
    """"" for a response that is left out."""
    is_bad: bool


def rank_fields(letters: Mapping[str, str], answer: Mapping[str, Any] | None) -> list[RankField]:
    """The fields as an answer fills them; empty without one."""
    ranks = {key: str(rank) for rank, tier in enumerate((answer or {}).get("tiers", ()), start=1) for key in tier}
    bad = set((answer or {}).get("bad", ()))
    return [RankField(key, letter, ranks.get(key, ""), key in bad) for key, letter in letters.items()]


def read_ranking(form: Mapping[str, str], letters: Mapping[str, str]) -> dict[str, Any]:
    """The ranking that the form says; equal ranks tie, gaps between ranks do not matter.

    Raises: ApplicationError naming the letter whose rank is none.
    """
    ranks: dict[int, list[str]] = {}
    unranked = []
    for key, letter in letters.items():
        text = form.get(f"rank-{letter}", "")
        if not text:
            unranked.append(key)
        elif text.isascii() and text.isdecimal() and 1 <= int(text[:3]) <= len(letters):
            ranks.setdefault(int(text), []).append(key)
        else:
            raise ApplicationError(f"The rank of {letter} is a number from 1 to {len(letters)}.")
    tiers = [ranks[rank] for rank in sorted(ranks)]
    bad = [key for tier in tiers for key in tier if form.get(f"bad-{letters[key]}")]
    return {"tiers": tiers, "bad": bad, "unranked": unranked}


def read_scores(form: Mapping[str, str], criteria: Sequence[str], letters: Mapping[str, str]) -> dict[str, Any]:
    """The scores that the form says; an empty field is "not applicable". Raises: ApplicationError naming the field."""
    scores: dict[str, dict[str, float | None]] = {}
    for name in criteria:
        for key, letter in letters.items():
            text = form.get(f"score-{name}-{letter}", "").strip()
            try:
                value = float(text) if text else None
            except ValueError:
                raise ApplicationError(f"The score of {letter} on {name} is a number, not {text[:20]!r}.") from None
            scores.setdefault(name, {})[key] = value
    return {"scores": scores}
