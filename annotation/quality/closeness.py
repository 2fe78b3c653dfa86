"""PURE. How near an answer is to another one: to a known answer, or to what the same person said before."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

from annotation.kinds.criteria import CriterionSpec

ROUNDING = 1e-9
Answer = Mapping[str, Any]
"""An answer as it is stored: tiers and unranked for a ranking, scores for a scalar answer."""


def share_right(
    answer: Answer, known: Answer, *, kind: str, criteria: Mapping[str, CriterionSpec], tolerance: float
) -> float | None:
    """How much of the known answer an answer gets right, from 0 to 1.

    A ranking: the share of the pairs that the known answer decides. The same order counts 1, a tie one half, the
    opposite order or a response left unranked 0. A known answer that ties all its responses asks for just that tie:
    each pair of them counts 1 if tied. Scores beside a ranking are not asked for.
    Scores: the share of the known scores that are within `tolerance`, a share of the scale; "not applicable" is right
    where it is the known answer, and a criterion that was not scored is wrong.
    Returns: None where the known answer decides nothing.
    """
    if kind == "ranking":
        return _share_of_pairs(answer, known)
    return _share_of_scores(answer, known, criteria, tolerance)


def share_same(
    answer: Answer, before: Answer, *, kind: str, criteria: Mapping[str, CriterionSpec], tolerance: float
) -> float | None:
    """How far two answers of one person to the same task say the same, from 0 to 1, whichever came first.

    A ranking: over the pairs that both rank, the same order (or a tie in both) counts 1, a tie in one of them one
    half, opposite orders 0. Scores: the share of those given in both that are within `tolerance` of each other.
    Returns: None where nothing was said twice.
    """
    if kind == "ranking":
        places, earlier = _places(answer), _places(before)
        both = sorted(places.keys() & earlier.keys())
        return _mean(
            [_same_relation(places, earlier, left, right) for left, right in combinations(both, 2)],
        )
    return _mean(
        [
            _is_near(value, before["scores"][name][key], criteria.get(name), tolerance)
            for name, by_response in answer["scores"].items()
            for key, value in by_response.items()
            if key in before["scores"].get(name, {})
        ]
    )


def _share_of_pairs(answer: Answer, known: Answer) -> float | None:
    places, right = _places(answer), _places(known)
    pairs = list(combinations(right, 2))
    decided = [pair for pair in pairs if right[pair[0]] != right[pair[1]]] or pairs
    return _mean([_pair_right(places, right, left, other) for left, other in decided])


def _pair_right(places: Mapping[str, int], right: Mapping[str, int], left: str, other: str) -> float:
    if left not in places or other not in places:
        return 0.0
    return _same_relation(places, right, left, other) if right[left] != right[other] else places[left] == places[other]


def _same_relation(one: Mapping[str, int], two: Mapping[str, int], left: str, right: str) -> float:
    """1 for the same order or a tie in both, one half for a tie in one of them, 0 for opposite orders."""
    first, second = _sign(one[left] - one[right]), _sign(two[left] - two[right])
    return 1.0 - abs(first - second) / 2


def _sign(difference: int) -> int:
    return (difference > 0) - (difference < 0)


def _places(answer: Answer) -> dict[str, int]:
    """{response key: number of its tier}; unranked ones are absent."""
    return {key: number for number, tier in enumerate(answer["tiers"]) for key in tier}


def _share_of_scores(
    answer: Answer, known: Answer, criteria: Mapping[str, CriterionSpec], tolerance: float
) -> float | None:
    given = answer["scores"]
    return _mean(
        [
            key in given.get(name, {}) and _is_near(given[name][key], value, criteria.get(name), tolerance)
            for name, by_response in known["scores"].items()
            for key, value in by_response.items()
        ]
    )


def _is_near(given: float | None, other: float | None, scale: CriterionSpec | None, tolerance: float) -> bool:
    """A criterion that the project does not have any more leaves only equality."""
    if given is None or other is None:
        return given is other
    reach = tolerance * (scale.maximum - scale.minimum) if scale is not None else 0.0
    return abs(given - other) <= reach + ROUNDING


def _mean(values: list[Any]) -> float | None:
    return float(sum(values)) / len(values) if values else None
