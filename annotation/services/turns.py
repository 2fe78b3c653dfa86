"""Background work in turns: so much at once, and then the site is the people's again."""

from collections.abc import Iterable, Iterator
from time import perf_counter
from typing import TypeVar

T = TypeVar("T")


def within_turn(due: Iterable[T], *, seconds: float) -> Iterator[T]:
    """What is due, one after the other, for as long as the turn lasts; what was begun may end later."""
    start = perf_counter()
    for each in due:
        if perf_counter() - start >= seconds:
            return
        yield each
