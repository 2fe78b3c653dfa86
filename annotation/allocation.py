"""PURE. Who is offered which task first, and in which order a slot shows its responses."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import TypeVar

Person = TypeVar("Person", bound=Hashable)

PRIOR_RIGHT, PRIOR_WRONG = 7.0, 3.0
"""Before anything is measured a person is taken to decide seven pairs in ten rightly, give or take 14 points."""
GOLD_WEIGHT = 3.0
"""A gold pair says more than agreement, which is with people who err too."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was measured of one person on tasks that ask for one skill, in pairs of responses."""

    agreed: int = 0
    compared: int = 0
    gold_right: int = 0
    gold_asked: int = 0

    def belief(self) -> tuple[float, float]:
        """The two parameters of the Beta distribution of how often this person decides a pair rightly."""
        right = PRIOR_RIGHT + self.agreed + GOLD_WEIGHT * self.gold_right
        wrong = PRIOR_WRONG + self.compared - self.agreed + GOLD_WEIGHT * (self.gold_asked - self.gold_right)
        return right, wrong


def rank_people(evidence: Mapping[Person, Evidence], *, generator: Random) -> dict[Person, float]:
    """The standing of each person: the share of all who come before them, 0 for the first.

    People are ordered by one draw each from the belief about them, so whoever little is known of comes first now and
    then and gets known (Thompson sampling), while the best measured come first nearly always. Where nothing is known
    of anybody, nobody has to wait.
    Source: Thompson 1933, Biometrika 25; Russo et al. 2018 (arXiv:1707.02038) sec. 3.
    """
    if not any(each.compared or each.gold_asked for each in evidence.values()):
        return dict.fromkeys(evidence, 0.0)
    drawn = {person: generator.betavariate(*each.belief()) for person, each in evidence.items()}
    order = sorted(drawn, key=lambda person: -drawn[person])
    return {person: place / len(order) for place, person in enumerate(order)}


def waiting_seconds(standing: float, *, widen_seconds: float) -> float:
    """How long after its making a task is offered to somebody of this standing."""
    return standing * widen_seconds


def spread(name: str) -> float:
    """A fixed number from 0 to 1 for a name: an order of names in which a file's own order has no say."""
    return int.from_bytes(sha256(name.encode("utf-8", "surrogatepass")).digest()[:6]) / 2**48


def shown_order(keys: Sequence[str], *, task_id: int, slot_number: int) -> list[str]:
    """The response keys in the order in which the holder of this slot sees them.

    A row of a cyclic Latin square: the task decides a base order, each slot turns it one step further. Over as many
    slots as there are responses every response stands at every position exactly once. The same slot always shows
    the same order, so a reload or a second annotator after a lost lease changes nothing.

    keys: the task's stored order. slot_number: 1 for the first slot.
    """
    base = sorted(keys, key=lambda key: sha256(f"{task_id}:{key}".encode()).digest())
    if not base:
        return []
    turn = (slot_number - 1) % len(base)
    return base[turn:] + base[:turn]
