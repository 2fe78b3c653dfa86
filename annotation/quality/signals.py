"""PURE. Signs of haste and habit in one answer. They are recorded with it and never keep it out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import factorial

FASTEST_CHARACTERS_PER_SECOND = 100.0
"""About 1,000 words a minute; silent reading runs at 238 (Brysbaert 2019, J. Mem. Lang. 109, 104047)."""
FEWEST_IN_A_ROW = 5
BY_CHANCE = 0.001
"""A row counts only if somebody who looks at the responses alone would give it less often than this."""

TOO_FAST, AS_SHOWN, SAME_PLACE = "too_fast", "as_shown", "same_place"
MEANINGS = {
    TOO_FAST: "faster than anybody reads",
    AS_SHOWN: "ranked in the order shown, several times in a row",
    SAME_PLACE: "the best one at the same place, several times in a row",
}
LONGEST_ROW = 11
"""As many as the longest row needs: two responses, one place in two, 2 ** -10 < 0.001."""

Seen = tuple[Sequence[str], Sequence[Sequence[str]]]
"""(response keys in the order shown, tiers best first)."""


MOST_RESPONSES = 9


@dataclass(frozen=True, slots=True)
class Habits:
    """What the next ranking would have to look like to complete a suspicious row, so that people can be told before."""

    as_shown_from: int | None
    """The fewest responses that, ranked in the order shown, would do it; None while nothing would."""
    place: int | None
    """Where the best response of the last ranking stood, from 0."""
    place_from: int | None
    """The fewest responses with which the best one at that place again would do it."""


def is_too_fast(active_ms: int | None, *, characters: int) -> bool:
    """Whether the active time is too short to have read the responses. Unknown time is no sign.

    characters: of all responses together.
    """
    return active_ms is not None and active_ms < 1000 * characters / FASTEST_CHARACTERS_PER_SECOND


def row_signals(answers: Sequence[Seen]) -> list[str]:
    """What the newest of these rankings, newest first, completes a suspicious row of."""
    if _is_shown_row(answers):
        return [AS_SHOWN]
    place = _best_place(answers[0]) if answers else None
    return [SAME_PLACE] if place is not None and _is_place_row(answers, place) else []


def habits_after(answers: Sequence[Seen]) -> Habits:
    """What these rankings, newest first, leave to be completed by one more."""
    place = _best_place(answers[0]) if answers else None
    as_shown = (count for count in _COUNTS if _is_shown_row([_ranked_as_shown(count), *answers]))
    at_place = (
        count
        for count in _COUNTS
        if place is not None and place < count and _is_place_row([_ranked_best(count, place), *answers], place)
    )
    return Habits(next(as_shown, None), place, next(at_place, None))


_COUNTS = range(2, MOST_RESPONSES + 1)


def _ranked_as_shown(count: int) -> Seen:
    shown = [str(number) for number in range(count)]
    return shown, [[key] for key in shown]


def _ranked_best(count: int, place: int) -> Seen:
    shown = [str(number) for number in range(count)]
    return shown, [[shown[place]], [key for key in shown if key != shown[place]]]


def _is_shown_row(answers: Sequence[Seen]) -> bool:
    return _is_row(answers, _as_shown, chance=lambda count: 1 / factorial(count), free=0)


def _is_place_row(answers: Sequence[Seen], place: int) -> bool:
    return _is_row(answers, lambda each: _best_place(each) == place, chance=lambda count: 1 / count, free=1)


def _is_row(
    answers: Sequence[Seen], holds: Callable[[Seen], bool], *, chance: Callable[[int], float], free: int
) -> bool:
    """Whether enough answers in a row hold for it not to be chance; the first `free` of them only set the pattern."""
    luck = 1.0
    for length, seen in enumerate(answers, start=1):
        if not holds(seen):
            return False
        luck *= chance(len(seen[0])) if length > free else 1.0
        if length >= FEWEST_IN_A_ROW and luck < BY_CHANCE:
            return True
    return False


def _as_shown(seen: Seen) -> bool:
    shown, tiers = seen
    return len(shown) > 1 and [tuple(tier) for tier in tiers] == [(key,) for key in shown]


def _best_place(seen: Seen) -> int | None:
    """Where the one best response stood; None for a shared first tier."""
    shown, tiers = seen
    if len(shown) < 2 or not tiers or len(tiers[0]) != 1 or tiers[0][0] not in shown:
        return None
    return list(shown).index(tiers[0][0])
