"""PURE. The agreement of every two people, as a table to read from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from annotation.agreement.report import CONFIDENCE
from annotation.agreement.shares import METHOD

NO_SHARED_TASK = "Undefined: they share no task."
STATISTIC = "pairwise_agreement"


class PairRecord(TypedDict):
    """The agreement of two people on one criterion."""

    criterion: str
    statistic: str
    first: str
    """Pseudonym; `first_id` is the person's id."""
    second: str
    first_id: int
    second_id: int
    simulated: bool
    """Whether one of them is a simulated annotator."""
    value: float | None
    """None where it is undefined; `note` says why."""
    low: float | None
    high: float | None
    confidence: float
    method: str
    units: int
    tasks: int
    """Shared ones."""
    note: str


@dataclass(frozen=True, slots=True)
class PairPerson:
    """Somebody whose pairs are kept."""

    id: int
    pseudonym: str
    is_simulated: bool
    comparisons: int
    tasks: int
    """Tasks shared with anybody."""


@dataclass(frozen=True, eq=False, slots=True)
class PairTable:
    """Every two of the people who share most, on one criterion."""

    criterion: str
    people: list[PairPerson]
    """Who is compared most comes first."""
    cells: Mapping[tuple[int, int], list[Any]]
    """(i, j) with i < j: [value, low, high, units, tasks]; pairs that share nothing are absent."""
    people_left_out: int

    def record(self, one: int, other: int) -> PairRecord:
        """The record of two people by their places."""
        i, j = sorted((one, other))
        value, low, high, units, tasks = self.cells.get((i, j)) or (None, None, None, 0, 0)
        first, second = self.people[i], self.people[j]
        return {
            "criterion": self.criterion, "statistic": STATISTIC, "first": first.pseudonym,
            "second": second.pseudonym, "first_id": first.id, "second_id": second.id,
            "simulated": first.is_simulated or second.is_simulated, "value": value, "low": low,
            "high": high, "confidence": CONFIDENCE, "method": METHOD, "units": units, "tasks": tasks,
            "note": "" if tasks else NO_SHARED_TASK,
        }  # fmt: skip

    def records(self) -> Iterator[PairRecord]:
        """Every two people, in the order of the people."""
        for i in range(len(self.people)):
            for j in range(i + 1, len(self.people)):
                yield self.record(i, j)
