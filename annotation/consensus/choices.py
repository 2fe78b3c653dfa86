"""PURE. Rankings as choices between two responses, with what is known of both."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from annotation.agreement.observations import FIRST, SECOND, TIE, Floats, Ids, Integers

Parse: TypeAlias = Callable[[str], Any]
Places: TypeAlias = Callable[[Integers, Integers], Integers]


@dataclass(frozen=True, eq=False, slots=True)
class ResponseFacts:
    """R responses; what models and reports need of a text without the text."""

    response_id: Integers
    """[R] ascending."""
    text: Integers
    """[R] number of (what was asked, what was answered): equal texts to equal prompts share it."""
    prompt: Integers
    """[R] number of what was asked."""
    source: Ids
    """[R] names; empty where it isn't known."""
    characters: Integers
    """[R]"""
    markdown: Integers
    """[R] how many marks of Markdown it has: headings, list items, bold, code, tables."""

    def find(self, response_id: Integers) -> Integers:
        """[...] row numbers of responses that `knows` are there."""
        return np.searchsorted(self.response_id, response_id)

    def knows(self, response_id: Integers) -> bool:
        """Whether all these responses are among them."""
        places = self.find(response_id)
        inside = places < len(self.response_id)
        return bool(inside.all() and (self.response_id[places] == response_id).all())


@dataclass(frozen=True, eq=False, slots=True)
class Choices:
    """N choices between two responses that J rankings made."""

    judgment: Integers
    """[N] number of the ranking, below J."""
    first: Integers
    """[N] row of the response among the facts."""
    second: Integers
    answer: Integers
    """[N] FIRST, TIE or SECOND."""
    shown: Integers
    """[N] 1 when the first was shown before the second, -1 after it, 0 when that isn't known."""
    weight: Floats
    """[N] 2 / ranked responses: a ranking of k is k - 1 decisions, though it orders k (k - 1) / 2 pairs."""
    judgment_id: Integers
    """[J]"""
    task: Integers
    """[J] ids"""
    annotator: Integers
    """[J] ids"""
    active_ms: Floats
    """[J] NaN where it isn't known."""
    top_of_first_shown: Floats
    """[J] share of the best tier that the response shown first makes up; NaN where the order isn't known."""
    ranked: Integers
    """[J] ranked responses."""
    facts: ResponseFacts

    @property
    def rankings(self) -> int:
        return len(self.judgment_id)


@dataclass(frozen=True, eq=False, slots=True)
class _Pattern:
    """All choices of one way to rank one list of keys."""

    first: Integers
    """Places in the list of keys."""
    second: Integers
    answer: Integers
    shown: Integers
    top_of_first_shown: float
    ranked: int


Ranking = tuple[int, int, int, str, str, float | None]
"""judgment id, task, annotator, tiers as JSON, shown order as JSON, active milliseconds"""


@dataclass(slots=True)
class ChoiceBuilder:
    """Collects rankings one by one; ways to rank are few, so each is worked out once."""

    facts: ResponseFacts
    responses_of_task: Mapping[int, tuple[tuple[str, ...], Sequence[int]]]
    """Task -> (keys, rows of the responses among the facts), in the task's order."""
    patterns: list[_Pattern] = field(default_factory=list)
    known: dict[tuple[str, str, tuple[str, ...]], int] = field(default_factory=dict)
    rows: list[tuple[int, int, int, int, float]] = field(default_factory=list)

    def add(self, ranking: Ranking, parse: Parse) -> None:
        """parse: turns JSON into lists."""
        judgment_id, task, annotator, tiers, shown, active_ms = ranking
        keys = self.responses_of_task[task][0]
        number = self.known.get((tiers, shown, keys))
        if number is None:
            number = self.known[tiers, shown, keys] = len(self.patterns)
            self.patterns.append(_work_out(parse(tiers), parse(shown), keys))
        self.rows.append((judgment_id, task, annotator, number, np.nan if active_ms is None else active_ms))

    def build(self) -> Choices:
        """All choices, in the order in which the rankings came."""
        columns = zip(*self.rows, strict=True) if self.rows else [()] * 5
        judgment_id, task, annotator, pattern, active = columns
        pattern_number = np.array(pattern, np.int64)
        sizes = np.array([len(each.first) for each in self.patterns], np.int64)
        starts = np.cumsum(sizes) - sizes
        count = sizes[pattern_number] if len(sizes) else np.zeros(0, np.int64)
        judgment = np.repeat(np.arange(len(pattern_number)), count)
        inside = np.arange(len(judgment)) - np.repeat(np.cumsum(count) - count, count)
        at = starts[pattern_number][judgment] + inside if len(judgment) else judgment
        places = self._places(np.array(task, np.int64))
        ranked = self._of_patterns("ranked")[pattern_number] if self.rows else np.zeros(0, np.int64)
        return Choices(
            judgment=judgment, first=places(judgment, self._joined("first")[at]),
            second=places(judgment, self._joined("second")[at]), answer=self._joined("answer")[at],
            shown=self._joined("shown")[at], weight=2 / np.maximum(ranked, 2)[judgment],
            judgment_id=np.array(judgment_id, np.int64), task=np.array(task, np.int64),
            annotator=np.array(annotator, np.int64), active_ms=np.array(active, np.float64),
            top_of_first_shown=self._of_patterns("top_of_first_shown")[pattern_number] if self.rows else np.zeros(0),
            ranked=ranked, facts=self.facts,
        )  # fmt: skip

    def _joined(self, name: str) -> Integers:
        return np.concatenate([np.zeros(0, np.int64), *(getattr(each, name) for each in self.patterns)])

    def _of_patterns(self, name: str) -> Any:
        return np.array([getattr(each, name) for each in self.patterns])

    def _places(self, task: Integers) -> Places:
        """(judgment, place in the list of keys) -> row among the facts."""
        tasks, number = np.unique(task, return_inverse=True)
        rows = [self.responses_of_task[each][1] for each in tasks.tolist()]
        start = np.cumsum([0, *(len(each) for each in rows)])
        flat = np.array([row for each in rows for row in each], np.int64)
        return lambda judgment, place: flat[start[number[judgment]] + place] if len(judgment) else judgment


def _work_out(tiers: Sequence[Sequence[str]], shown_order: Sequence[str], keys: Sequence[str]) -> _Pattern:
    tier_of = {key: number for number, tier in enumerate(tiers) for key in tier}
    seen = {key: place for place, key in enumerate(shown_order)}
    rows = [
        (one, other, _compare(tier_of[keys[one]], tier_of[keys[other]]), _before(seen, keys[one], keys[other]))
        for one in range(len(keys))
        for other in range(one + 1, len(keys))
        if keys[one] in tier_of and keys[other] in tier_of
    ]
    first, second, answer, shown = np.array(rows, np.int64).reshape(-1, 4).T
    best = tiers[0] if tiers else []
    known = bool(shown_order) and set(tier_of) == set(shown_order) and len(tier_of) > 1
    top = float(shown_order[0] in best) / len(best) if known else np.nan
    return _Pattern(first, second, answer, shown, top, len(tier_of))


def _compare(one: int, other: int) -> int:
    return TIE if one == other else FIRST if one < other else SECOND


def _before(seen: Mapping[str, int], one: str, other: str) -> int:
    if one not in seen or other not in seen:
        return 0
    return 1 if seen[one] < seen[other] else -1


def collect_choices(
    rankings: Iterable[Ranking],
    *,
    facts: ResponseFacts,
    responses_of_task: Mapping[int, tuple[tuple[str, ...], Sequence[int]]],
    parse: Parse,
) -> Choices:
    """The choices of all rankings."""
    builder = ChoiceBuilder(facts, responses_of_task)
    for ranking in rankings:
        builder.add(ranking, parse)
    return builder.build()
