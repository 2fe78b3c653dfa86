"""Intervals over prompts: by hand where a formula is known, by simulation where coverage is what counts."""

import math

import numpy
import pytest
from scipy import stats

from rewardmodel.intervals import FEWEST_PROMPTS, Estimate, estimate_ratio, estimate_share

LEVEL = 0.95


def mean(values: list[float], span: tuple[float, float] | None = None) -> Estimate:
    """Of one value a prompt."""
    return estimate_ratio(numpy.array(values), numpy.ones(len(values)), range(len(values)), LEVEL, span=span)


def share(hits: list[float], counts: list[float] | None = None) -> Estimate:
    """Of one row a prompt."""
    return estimate_share(numpy.array(hits), numpy.array(counts or [1.0] * len(hits)), range(len(hits)), LEVEL)


def test_a_mean_without_skewness_has_students_interval_or_that_after_hall() -> None:
    # Deviations -2, 0, 2: standard error 2 / sqrt(3), Student's quantile for 2 degrees 4.303. Without skewness Hall's
    # transformation leaves t + 0, so that both are one.
    estimate = mean([1.0, 3.0, 5.0])
    reach = stats.t.ppf(0.975, 2) * 2 / math.sqrt(3)
    assert (estimate.value, estimate.n, estimate.prompts) == (3.0, 3, 3)
    assert (estimate.low, estimate.high) == pytest.approx((3 - reach, 3 + reach))


def test_the_long_side_of_a_skewed_mean_reaches_as_far_as_hall_says() -> None:
    values = [0.0, 0.0, 0.0, 0.0, 1.0]
    estimate = mean(values)
    error = numpy.std(values, ddof=1) / math.sqrt(5)
    student = stats.t.ppf(0.975, 4)
    skewness = stats.skew(values) / math.sqrt(5)
    assert estimate.low == pytest.approx(0.2 - student * error)
    # The upper end is where the transformed statistic stands at -student.
    t = (0.2 - estimate.high) / error
    assert t < -student
    assert t + skewness * t**2 / 3 + skewness**2 * t**3 / 27 + skewness / 6 == pytest.approx(-student)
    mirrored = mean([-value for value in values])
    assert (mirrored.low, mirrored.high) == pytest.approx((-estimate.high, -estimate.low))


def test_prompts_of_unequal_counts_have_fewer_degrees_of_freedom() -> None:
    # As the coefficient of a constant with clusters by prompt, CR2 and Bell and McCaffrey's degrees of freedom; worked
    # out from the matrices: shares 1/8, 1/8, 2/8, 4/8.
    sizes = [1, 1, 2, 4]
    values = numpy.array([3.0, -3.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5])
    prompts = numpy.repeat(range(4), sizes)
    estimate = estimate_ratio(values + 1, numpy.ones(8), prompts.tolist(), LEVEL)
    hat = numpy.full((8, 8), 1 / 8)
    residuals = (numpy.eye(8) - hat) @ (values + 1)
    members = [prompts == prompt for prompt in range(4)]
    roots = [1 / math.sqrt(1 - size / 8) for size in sizes]
    pulls = [root * residuals[own].sum() / 8 for root, own in zip(roots, members, strict=True)]
    columns = [root * (numpy.eye(8) - hat)[:, own].sum(axis=1) / 8 for root, own in zip(roots, members, strict=True)]
    eigenvalues = numpy.linalg.eigvalsh(numpy.array(columns) @ numpy.array(columns).T)
    degrees = eigenvalues.sum() ** 2 / (eigenvalues**2).sum()
    assert degrees < 3
    reach = stats.t.ppf(0.975, degrees) * math.sqrt(sum(pull**2 for pull in pulls))
    # Skewness adds to one side alone.
    assert estimate.value is not None and estimate.low is not None and estimate.high is not None
    assert min(estimate.value - estimate.low, estimate.high - estimate.value) == pytest.approx(reach)


@pytest.mark.parametrize(("prompts", "told"), [(1, False), (2, False), (FEWEST_PROMPTS, True)])
def test_below_three_prompts_there_is_a_value_and_no_interval(prompts: int, told: bool) -> None:
    for estimate in (mean([float(i) for i in range(prompts)]), share([i % 2 for i in range(prompts)])):
        assert estimate.value is not None and estimate.prompts == prompts
        assert (estimate.low is not None, estimate.high is not None) == (told, told)


def test_two_prompts_with_many_answers_are_still_two() -> None:
    values, prompts = numpy.arange(40.0), ["a"] * 20 + ["b"] * 20
    for estimate in (
        estimate_ratio(values, numpy.ones(40), prompts, LEVEL),
        estimate_share(values % 2, numpy.ones(40), prompts, LEVEL),
    ):
        assert (estimate.low, estimate.high, estimate.n, estimate.prompts) == (None, None, 40, 2)


def test_items_of_count_zero_are_missing() -> None:
    hits, counts = numpy.array([1.0, 9.0, 0.0, 1.0]), numpy.array([1.0, 0.0, 1.0, 1.0])
    assert estimate_ratio(hits, counts, "abcd", LEVEL) == estimate_ratio(hits[counts > 0], numpy.ones(3), "acd", LEVEL)
    nothing = Estimate(None, None, None, 0, 0)
    assert estimate_ratio(hits, numpy.zeros(4), "abcd", LEVEL) == nothing
    assert estimate_share(hits, numpy.zeros(4), "abcd", LEVEL) == nothing
    assert estimate_ratio(numpy.zeros(0), numpy.zeros(0), [], LEVEL) == nothing


def test_a_share_of_all_or_nothing_prompts_is_wilsons_with_students_quantile() -> None:
    estimate = share([1.0] * 6 + [0.0] * 2)
    quantile = stats.t.ppf(0.975, 2 * 7)
    # The ends are where the standard error of the share itself reaches as far as the measured one.
    for end in (estimate.low, estimate.high):
        assert abs(0.75 - end) == pytest.approx(quantile * math.sqrt(end * (1 - end) / 8))


@pytest.mark.parametrize("prompts", [3, 5, 16, 100])
def test_none_and_all_right_leave_room_for_others(prompts: int) -> None:
    none, all_right = share([0.0] * prompts), share([4.0] * prompts, [4.0] * prompts)
    squared = stats.t.ppf(0.975, 2 * (prompts - 1)) ** 2
    assert (none.value, none.low) == (0.0, 0.0) and (all_right.value, all_right.high) == (1.0, 1.0)
    assert none.high == pytest.approx(squared / (prompts + squared))
    assert all_right.low == pytest.approx(1 - none.high)


def test_prompts_that_are_alike_within_say_less_than_mixed_ones() -> None:
    alike, mixed = share([4.0, 0.0] * 4, [4.0] * 8), share([2.0] * 8, [4.0] * 8)
    assert alike.value == mixed.value == 0.5
    assert alike.high - alike.low > 2 * (mixed.high - mixed.low) > 0.1


@pytest.mark.parametrize("hit", [-0.5, 1.5, float("inf")])
def test_hits_that_are_no_share_are_refused(hit: float) -> None:
    with pytest.raises(ValueError, match="hits must lie between 0 and their count"):
        share([hit, 1.0, 0.0])


def test_continuous_values_are_not_alike_by_chance() -> None:
    assert mean([0.0] * 8) == Estimate(0.0, 0.0, 0.0, 8, 8)
    rounded = mean([0.1] * 7)
    assert rounded.low == rounded.value == rounded.high == pytest.approx(0.1)


def test_prompts_may_share_a_reward_by_chance() -> None:
    assert mean([0.0] * 8, (0.0, 0.0)) == Estimate(0.0, None, None, 8, 8)
    everywhere, nowhere = mean([1.0] * 8, (-1.0, 1.0)), mean([0.0] * 8, (-1.0, 1.0))
    assert 0 < everywhere.low < everywhere.high == 1.0
    assert everywhere.low == pytest.approx(2 * share([1.0] * 8).low - 1)
    assert nowhere.low == pytest.approx(-nowhere.high) and 0 < nowhere.high < 0.3
    assert mean([1.0] * 3, (-1.0, 1.0)).low < 0, "three prompts that agree are as likely as a coin that falls so"


def test_a_value_outside_of_its_span_is_refused() -> None:
    with pytest.raises(ValueError, match="outside of its span"):
        mean([2.0] * 4, (0.0, 1.0))


def test_the_same_input_gives_the_same_interval_bit_for_bit() -> None:
    values = numpy.random.default_rng(0).normal(size=400)
    prompts = numpy.repeat(numpy.arange(100), 4).tolist()
    first, second = (estimate_ratio(values, numpy.ones(400), prompts, LEVEL) for _ in range(2))
    assert first == second and first.low is not None


@pytest.mark.parametrize("prompts", [3, 6, 12])
def test_a_gain_of_nothing_is_seldom_taken_for_one(prompts: int) -> None:
    generator = numpy.random.default_rng(prompts)
    missed = 0
    for _ in range(2000):
        values = generator.normal(size=(prompts, 1)) + generator.normal(size=(prompts, 4))
        owners = numpy.repeat(range(prompts), 4).tolist()
        estimate = estimate_ratio(values.ravel(), numpy.ones(values.size), owners, LEVEL)
        missed += estimate.low > 0 or estimate.high < 0
    # A twentieth by design; percentile bootstraps took a quarter, a sixth and a tenth.
    assert 0.02 < missed / 2000 < 0.065


@pytest.mark.parametrize("true", [0.5, 0.8, 0.95])
def test_few_win_rates_leave_out_the_truth(true: float) -> None:
    generator = numpy.random.default_rng(7)
    chances = generator.beta(9 * true, 9 * (1 - true), size=(2000, 12))
    wins = generator.binomial(16, chances)
    found = [share(row.tolist(), [16.0] * 12) for row in wins]
    held = sum(estimate.low <= true <= estimate.high for estimate in found) / 2000
    assert 0.93 < held < 0.985
