"""Saying the same again."""

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from annotation.agreement.consistency import Repeats, measure_consistency, self_agreement
from annotation.agreement.wilson import wilson_interval
from tests.annotation.agreement.judgments import value_of


def repeats(*rows: tuple[str, float, float]) -> Repeats:
    person, first, second = zip(*rows, strict=True) if rows else ((), (), ())
    return Repeats(np.array(person), np.array(first, float), np.array(second, float))


def test_each_person_by_hand() -> None:
    found = measure_consistency(repeats(("ann", 1, 1), ("ann", 1, 5), ("bob", 3, 4), ("ann", 2, 2)))
    assert (found["ann"].repeats, found["ann"].same, found["ann"].share) == (3, 2, 2 / 3)
    assert (found["ann"].low, found["ann"].high) == pytest.approx(proportion_confint(2, 3, method="wilson"))
    assert found["ann"].nearness == pytest.approx(2 / 3)
    assert found["bob"].nearness == pytest.approx(3 / 4)


def test_all_together_count_every_repeat_once() -> None:
    given = repeats(("ann", 1, 1), ("ann", 1, 5), ("bob", 3, 4), ("ann", 2, 2))
    assert value_of(self_agreement(given), 2) == pytest.approx(1 / 2)


def test_nobody_repeated_anything() -> None:
    assert measure_consistency(repeats()) == {}
    assert np.isnan(value_of(self_agreement(repeats()), 0))


def test_one_value_throughout_is_near() -> None:
    assert measure_consistency(repeats(("ann", 2, 2)))["ann"].nearness == 1


def test_half_a_repeat_is_refused() -> None:
    with pytest.raises(ValueError, match="leave out repeats of which one answer is missing"):
        repeats(("ann", 1, float("nan")))


@pytest.mark.parametrize(("hits", "trials"), [(0, 5), (5, 5), (3, 10), (71, 100), (1, 1)])
def test_wilson_is_that_of_another_implementation(hits: int, trials: int) -> None:
    expected = proportion_confint(hits, trials, alpha=0.1, method="wilson")
    assert wilson_interval(hits, trials, confidence=0.9) == pytest.approx(expected, abs=1e-12)


def test_wilson_without_trials_or_with_too_many_hits() -> None:
    assert wilson_interval(0, 0) is None
    with pytest.raises(ValueError, match="hits must lie between 0 and the trials"):
        wilson_interval(3, 2)
