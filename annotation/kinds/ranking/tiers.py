"""PURE. Reads where an annotator placed the responses: tiers, unranked, and the "bad" line."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

from annotation.kinds.faults import FaultList, shorten
from annotation.kinds.fields import name_type

Tiers: TypeAlias = tuple[tuple[str, ...], ...]
Placement: TypeAlias = tuple[Tiers, tuple[str, ...], tuple[str, ...]]

STRONGEST = 3


def read_placement(mapping: Mapping[str, object], faults: FaultList, response_keys: Sequence[str]) -> Placement:
    """Tiers, bad and unranked responses.

    Every response stands exactly once in tiers or in unranked. The "bad" line is a line: what is below it is ranked
    below everything above it, so `bad` must be the members of the last tiers.

    Returned in the task's own order within a tier and within unranked: a tie has no first, so the same placement is the
    same answer whichever response was placed before which.
    """
    before = len(faults.faults)
    tiers = _read_tiers(mapping.get("tiers"), faults.at("tiers"), response_keys)
    unranked = _read_keys(mapping.get("unranked"), faults.at("unranked"), response_keys)
    bad = _read_keys(mapping.get("bad"), faults.at("bad"), response_keys)
    if len(faults.faults) == before:
        _check_once_each(tiers, unranked, response_keys, faults.at("tiers"))
        _check_bad_line(tiers, bad, faults.at("bad"))
    place = {key: number for number, key in enumerate(response_keys)}
    tiers = tuple(_in_order(tier, place) for tier in tiers)
    return tiers, tuple(key for tier in tiers for key in tier if key in bad), _in_order(unranked, place)


def _in_order(keys: tuple[str, ...], place: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(sorted(keys, key=lambda key: place.get(key, len(place))))


def _read_tiers(value: object, faults: FaultList, response_keys: Collection[str]) -> Tiers:
    if not isinstance(value, (list, tuple)):
        faults.add(f"expected a list of tiers, best first, got {name_type(value)}")
        return ()
    tiers = []
    for number, tier in enumerate(value):
        if not isinstance(tier, (list, tuple)) or not tier:
            found = "an empty list" if isinstance(tier, (list, tuple)) else name_type(tier)
            faults.at(number).add(f"expected a list with at least one response, got {found}")
            continue
        tiers.append(_read_keys(tier, faults.at(number), response_keys))
    if not value:
        faults.add("nothing is ranked; put at least one response into a tier")
    return tuple(tiers)


def _read_keys(value: object, faults: FaultList, response_keys: Collection[str]) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)):
        faults.add(f"expected a list of responses, got {name_type(value)}")
        return ()
    for key in value:
        if not isinstance(key, str):
            faults.add(f"expected the key of a response, got {name_type(key)}")
        elif key not in response_keys:
            faults.add(f"no response {shorten(key)!r} in this task; it has {_listed(response_keys)}")
    return tuple(key for key in value if isinstance(key, str))


def _check_once_each(tiers: Tiers, unranked: tuple[str, ...], response_keys: Sequence[str], faults: FaultList) -> None:
    times = Counter(key for group in (*tiers, unranked) for key in group)
    for key in response_keys:
        if times[key] == 0:
            faults.add(f"response {key!r} is missing; put it into a tier or into unranked")
        elif times[key] > 1:
            faults.add(f"response {key!r} stands {times[key]} times; each goes once into a tier or into unranked")


def _check_bad_line(tiers: Tiers, bad: tuple[str, ...], faults: FaultList) -> None:
    ranked = {key for tier in tiers for key in tier}
    for key in bad:
        if key not in ranked:
            faults.add(f"response {key!r} is bad but unranked; put it into a tier below the line")
    above = False
    for tier in reversed(tiers):
        below = [key for key in tier if key in bad]
        if below and (above or len(below) < len(tier)):
            faults.add(f"{_listed(below)} can't be bad while a response of the same or a worse tier is not")
        above = above or len(below) < len(tier)


def read_strength(value: object, faults: FaultList, *, gaps: int) -> tuple[int | None, ...] | None:
    """How much better each tier is than the next one: a value per gap, or None when not asked."""
    if value is None:
        return None
    if not isinstance(value, (list, tuple)):
        faults.add(f"expected a list with one value per gap between tiers or null, got {name_type(value)}")
        return None
    if len(value) != gaps:
        faults.add(f"expected {gaps} values, one per gap between tiers, got {len(value)}")
    for number, step in enumerate(value):
        whole = isinstance(step, int) and not isinstance(step, bool)
        if step is not None and not (whole and 1 <= step <= STRONGEST):
            faults.at(number).add("must be 1 (slightly), 2 (clearly), 3 (much better) or null")
    return tuple(value)


def _listed(keys: Collection[str]) -> str:
    return ", ".join(repr(key) for key in keys)
