"""The small-sample interval against what is known of means."""

import numpy as np
import pytest
from scipy import stats

from annotation.agreement.intervals import percentile_interval, small_sample_interval
from annotation.agreement.observations import Floats


def interval_of_mean(values: Floats, *, resamples: int = 40_000) -> tuple[float, float]:
    """The interval of a mean, drawn as the product draws: Poisson weights."""
    weights = np.random.default_rng(0).poisson(1, (resamples, len(values)))
    draws = (weights @ values) / weights.sum(axis=1)
    left_out = (values.sum() - values) / (len(values) - 1)
    found = small_sample_interval(
        draws, value=float(values.mean()), left_out=left_out, tasks=len(values), confidence=0.95
    )
    assert found is not None
    return found


def normal_scores(tasks: int) -> Floats:
    return stats.norm.ppf((np.arange(tasks) + 0.5) / tasks)


@pytest.mark.parametrize("tasks", [15, 40])
def test_normal_influences_give_the_t_interval(tasks: int) -> None:
    values = normal_scores(tasks)
    low, high = interval_of_mean(values)
    known = stats.t(tasks - 1, scale=values.std(ddof=1) / tasks**0.5).interval(0.95)
    assert [low, high] == pytest.approx(known, rel=0.05)


def test_a_share_of_tasks_gets_less_than_students_t() -> None:
    """Where tasks agree or don't, their share tells its own variance; Wilson's interval knows that too."""
    values = np.repeat([0.0, 1.0], [7, 13])
    low, high = interval_of_mean(values)
    wilson = stats.binomtest(13, 20).proportion_ci(0.95, method="wilson")
    student = stats.t(19, scale=values.std(ddof=1) / 20**0.5).interval(0.95)
    assert (wilson.high - wilson.low) * 0.98 < high - low < student[1] - student[0]


def test_few_deciding_tasks_widen_it() -> None:
    tasks = 20
    heavy = stats.t(3).ppf((np.arange(tasks) + 0.5) / tasks)
    light = stats.uniform(-1, 2).ppf((np.arange(tasks) + 0.5) / tasks)
    widths = [np.diff(interval_of_mean(each / each.std()))[0] for each in (light, normal_scores(tasks), heavy)]
    assert widths == sorted(widths)


def test_an_end_leans_with_the_skew() -> None:
    values = stats.expon.ppf((np.arange(30) + 0.5) / 30)
    low, high = interval_of_mean(values)
    assert high - values.mean() > 1.2 * (values.mean() - low)


def test_tasks_that_all_say_the_same_give_a_point() -> None:
    assert interval_of_mean(np.full(12, 0.5)) == pytest.approx((0.5, 0.5))


def test_no_interval_where_most_draws_are_undefined_or_one_task_is_all() -> None:
    draws = np.array([0.5, *[np.nan] * 2])
    assert percentile_interval(draws, confidence=0.95) is None
    few: dict[str, float] = {"value": 0.5, "confidence": 0.95}
    assert small_sample_interval(draws, left_out=np.array([0.4, 0.6]), tasks=2, **few) is None
    assert small_sample_interval(np.full(9, 0.5), left_out=np.array([0.5]), tasks=1, **few) is None


def test_where_no_task_can_be_left_out_the_draws_still_tell() -> None:
    draws = np.linspace(0, 1, 101)
    for left_out in (np.array([np.nan, np.nan]), np.array([0.4, np.nan]), np.array([])):
        found = small_sample_interval(draws, value=0.5, left_out=left_out, tasks=2, confidence=0.95)
        assert found == pytest.approx((0.0, 1.0))
