"""Totals that follow new judgments against a computation from scratch."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.agreement import measures
from annotation.agreement.estimates import Settings
from annotation.agreement.observations import Observations, PairObservations, RankingObservations, ScoreObservations
from annotation.agreement.pair_sums import MOST_PEOPLE, choose_people
from annotation.agreement.running import Picture, RunningTotals, picture_all, picture_change
from annotation.agreement.totals_bytes import read_totals, write_totals
from annotation.agreement.trend import Weeks

HOW = Settings(seed=3, resamples=50, confidence=0.9)
Rows = dict[tuple[int, int], list[int]]
"""(task, annotator) -> what was said: a choice, a score, or the tiers of three responses."""


@pytest.fixture(autouse=True)
def _few_tasks_are_many() -> Iterator[None]:
    """Six tasks are enough for running totals here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measures, "FEW_TASKS", 5)
        yield


def observe(kind: str, rows: Rows, tasks: set[int] | None = None) -> Observations:
    """The rows as observations; of some tasks only."""
    said = [(task, person, value) for (task, person), value in sorted(rows.items()) if tasks is None or task in tasks]
    task, person = (np.array([row[place] for row in said], np.int64) for place in (0, 1))
    values = np.array([row[2] for row in said], np.int64).reshape(len(said), 3)
    if kind == "pairs":
        return PairObservations(task, person, values[:, 0])
    if kind == "scores":
        unit = np.repeat(task, 3) * 3 + np.tile(np.arange(3), len(said))
        prompt, score = np.repeat(task, 3) // 2, values.ravel().astype(float)
        return ScoreObservations("clear", prompt, unit, np.repeat(person, 3), score)
    return RankingObservations(
        np.repeat(task, 3), np.repeat(person, 3), np.tile(np.arange(3), len(said)), values.ravel() + 1
    )


def weeks_of(kind: str, rows: Rows, tasks: set[int] | None = None) -> Weeks:
    """A week for each task, or prompt of scores, that changes as judgments come."""
    told: dict[int, int] = {}
    for task, _ in rows:
        if tasks is None or task in tasks:
            told[task // 2 if kind == "scores" else task] = told.get(task // 2 if kind == "scores" else task, 0) + 1
    ids = np.array(sorted(told), np.int64)
    return Weeks(ids, np.array([7 * (told[each] % 2) for each in ids.tolist()], np.int64))


def picture_of(kind: str, rows: Rows) -> Picture:
    return picture_all(observe(kind, rows), HOW, weeks_of(kind, rows))


def follow(kind: str, totals: RunningTotals | None, rows: Rows, after: Rows, touched: set[int]) -> Picture | None:
    """The picture after the touched tasks changed."""
    assert totals is not None

    def load(people: list[int]) -> Observations:
        mine = {task for task, person in after if person in people}
        return observe(
            kind, after, {near for task in mine for near in ((task, task ^ 1) if kind == "scores" else (task,))}
        )

    return picture_change(
        totals, observe(kind, rows, touched), observe(kind, after, touched), HOW,
        weeks=(weeks_of(kind, rows, touched), weeks_of(kind, after, touched)), load=load,
    )  # fmt: skip


def make_rows(generator: np.random.Generator, tasks: int) -> Rows:
    return {
        (task, int(person)): generator.integers(0, 3, size=3).tolist()
        for task in range(tasks) for person in generator.choice(6, size=generator.integers(1, 4), replace=False)
    }  # fmt: skip


def change(rows: Rows, generator: np.random.Generator, tasks: int) -> tuple[Rows, set[int]]:
    """New judgments, amended ones, and a new task."""
    changed = dict(rows)
    touched = set()
    for _ in range(int(generator.integers(1, 6))):
        task, person = int(generator.integers(0, tasks + 1)), int(generator.integers(0, 8))
        changed[task, person] = generator.integers(0, 3, size=3).tolist()
        touched.add(task)
    return changed, touched


def same(one: Picture, other: Picture) -> None:
    for mine, yours in zip(one.records, other.records, strict=True):
        for name in mine:
            assert mine[name] == pytest.approx(yours[name], abs=1e-9), (mine, yours)
    assert len(one.trend) == len(other.trend) > 0
    for mine, yours in zip(one.trend, other.trend, strict=True):
        assert mine == {
            name: pytest.approx(each, abs=1e-6) if isinstance(each, float) else each for name, each in yours.items()
        }
    for part in ("near", "compared", "disagreement"):
        assert getattr(one.closeness, part) == pytest.approx(getattr(other.closeness, part), abs=1e-9)
    assert one.totals is not None
    assert other.totals is not None
    alike(one.totals, other.totals)


def alike(one: Any, other: Any) -> None:
    """Every array, those of nested totals too."""
    for field in fields(one):
        mine, yours = getattr(one, field.name), getattr(other, field.name)
        if is_dataclass(mine) and field.name != "frame":
            alike(mine, yours)
        elif field.name != "frame":
            np.testing.assert_allclose(mine, yours, atol=1e-9)


@pytest.mark.parametrize("kind", ["pairs", "scores", "rankings"])
@given(st.integers(0, 10_000), st.integers(1, 3))
@settings(max_examples=20, deadline=None)
@pytest.mark.parametrize("most", [3, MOST_PEOPLE])
def test_following_changes_is_looking_at_everything_again(most: int, kind: str, seed: int, times: int) -> None:
    """With three people whose pairs are kept, others come to share more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(choose_people.__kwdefaults__, "most", most)
        follow_and_compare(kind, seed, times)


def follow_and_compare(kind: str, seed: int, times: int) -> None:
    generator = np.random.default_rng(seed)
    rows = make_rows(generator, 30)
    picture = picture_of(kind, rows)
    for _ in range(times):
        after, touched = change(rows, generator, 30)
        if kind == "scores":  # Two tasks each share a prompt, which is what is drawn.
            touched |= {task ^ 1 for task in touched}
        whole = picture_of(kind, after)
        assert picture.totals is not None
        followed = follow(kind, picture.totals, rows, after, touched)
        if followed is not None:
            same(followed, whole)
        rows, picture = after, followed or whole


def test_a_value_used_for_the_first_time_asks_for_everything() -> None:
    rows = {(task, person): [task % 2, 0, 0] for task in range(12) for person in range(3)}
    totals = picture_of("pairs", rows).totals
    assert totals is not None
    after = rows | {(0, 7): [2, 0, 0]}
    assert follow("pairs", totals, rows, after, {0}) is None


def test_a_value_used_no_longer_asks_for_everything() -> None:
    rows = {(task, person): [task % 2, 0, 0] for task in range(12) for person in range(3)} | {(0, 0): [2, 0, 0]}
    totals = picture_of("pairs", rows).totals
    assert totals is not None
    after = rows | {(0, 0): [0, 0, 0]}
    assert follow("pairs", totals, rows, after, {0}) is None


def test_another_usual_number_of_judgments_asks_for_everything() -> None:
    rows = {(task, person): [(task + person) % 3, 0, 0] for task in range(12) for person in range(2)}
    totals = picture_of("pairs", rows).totals
    assert totals is not None
    after = rows | {(task, 2): [0, 0, 0] for task in range(9)}
    touched = set(range(9))
    assert follow("pairs", totals, rows, after, touched) is None


def test_few_tasks_and_continuous_scores_keep_no_totals() -> None:
    rows = {(task, person): [task % 2, 0, 0] for task in range(4) for person in range(3)}
    assert picture_of("pairs", rows).totals is None
    task = np.repeat(np.arange(50), 2)
    scores = ScoreObservations("x", task, task, np.tile([0, 1], 50), np.random.default_rng(0).normal(size=100))
    assert picture_all(scores, HOW, Weeks(np.arange(50), np.zeros(50, np.int64))).totals is None


def test_totals_survive_as_bytes() -> None:
    totals = picture_of("pairs", make_rows(np.random.default_rng(0), 30)).totals
    assert totals is not None
    content = write_totals(totals, seed=3)
    back = read_totals(content, seed=3, resamples=50)
    assert back is not None
    assert (back.frame.usual_size, back.frame.tasks) == (totals.frame.usual_size, totals.frame.tasks)
    alike(back, totals)
    assert read_totals(content, seed=4, resamples=50) is None
    assert read_totals(content, seed=3, resamples=51) is None
