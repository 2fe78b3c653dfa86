"""PURE. What a crowd says together: worth of items, and reliability and habits of people, estimated together.

Annotator a, who saw the pair's first item first (shown = 1) or second (-1), prefers it with the log-odds

    lead = reliability_a * (worth_first - worth_second + deviation_pair) + position_a * shown

and ties with Davidson's probability for their own tie tendency. Reliability 0 is a coin, below 0 is somebody who turns
answers around; its mean square over the people is 1, which sets the scale of the worths. Habits are drawn towards
their mean and worths towards 0 by Gaussians whose widths are estimated too, so somebody with two choices counts as
nearly average, somebody with hundreds as what they showed, and a pair with one vote is not certain.

Source: Bradley and Terry 1952; Davidson 1970 for ties; Dawid and Skene 1979 for people estimated with the answers;
Chen et al. 2013 (Crowd-BT); widths by expectation and maximisation with Gaussian approximations (Laplace): Gelman et
al. 2013, chapter 13.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from annotation.agreement.observations import Floats
from annotation.agreement.statistic import sum_by
from annotation.consensus.blocks import Blocks, System, build_system, find_blocks, scatter
from annotation.consensus.choice import choice_terms
from annotation.consensus.comparisons import Comparisons
from annotation.consensus.habits import (
    NODE_WEIGHTS,
    NODES,
    POSITION,
    RELIABILITY,
    TIE,
    Habits,
    Widths,
    start_habits,
    step_habits,
)

MOST_ROUNDS = 60
SETTLING_ROUNDS = 8
"""Widths stay as guessed so long: narrow ones would keep people apart from what the data say of them."""
TOLERANCE = 5e-3
"""Rounds end when no width moves by more than this share of itself, and worths on average by no more in log-odds."""
LARGEST_STEP = 3.0
"""In log-odds: a Newton step that would leap further is shortened."""
FIRST_GUESS = Widths(item=1.0, pair=0.5, reliability=0.6, position=0.3, tie=0.6)
"""Where the widths start, and what GUESS_COUNTS observations say about them before there is any."""
GUESS_COUNTS = 4.0


@dataclass(frozen=True, eq=False, slots=True)
class CrowdFit:
    """The estimates with standard errors (posterior, Gaussian)."""

    comparisons: Comparisons
    worth: Floats
    """[I] log-odds against the average item of an average, unbiased annotator."""
    worth_error: Floats
    difference: Floats
    """[P] log-odds with which an average, unbiased annotator prefers the pair's first item, ties aside."""
    difference_error: Floats
    deviation: Floats
    """[P] the part of the difference that the worths do not explain."""
    slope: Floats
    """[P] of the log-likelihood by the difference: what is left of each pair's votes, for robust errors."""
    habits: Habits
    """Reliability, position bias and tie tendency of each annotator."""
    widths: Widths
    system: System = field(repr=False)
    """The precision of the worths, with the pairs' deviations summed out."""
    rounds: int
    has_converged: bool


@dataclass(slots=True)
class _State:
    comparisons: Comparisons
    blocks: Blocks
    worth: Floats
    deviation: Floats
    habits: Habits
    widths: Widths
    generator: np.random.Generator
    system: System | None = None
    variance: Floats = field(default_factory=lambda: np.zeros(0))
    """[P] of the differences."""
    curvature: Floats = field(default_factory=lambda: np.zeros(0))
    """[P] of the likelihood by the differences."""

    @property
    def difference(self) -> Floats:
        return self.worth[self.comparisons.first] - self.worth[self.comparisons.second] + self.deviation


def fit_crowd(comparisons: Comparisons, *, seed: int = 0) -> CrowdFit:
    """The posterior mode of everything, and Gaussian uncertainty around it.

    Missing data: a choice that isn't there is absent; items that no pair connects are compared through the common
    mean of the worths only. Shown orders that aren't known say nothing about position.

    seed: of the variances of blocks with more than 1,500 items; anything else is exact and needs none.
    Raises: ValueError when there is no choice at all.
    """
    if not comparisons.choices:
        raise ValueError("there is no choice between two different items")
    # Where no item stands in two pairs, a deviation cannot be told from the worths.
    has_deviations = _appearances(comparisons) > 1
    state = _start(comparisons, seed, has_deviations=has_deviations)
    rounds, change = 0, np.inf
    while rounds < MOST_ROUNDS and (rounds <= SETTLING_ROUNDS or change > TOLERANCE):
        before = state.difference
        _step_items(state)
        state.habits = step_habits(comparisons, state.difference, state.variance, state.habits, state.widths)
        widths = _estimate_widths(state, has_deviations=has_deviations).leap_from(state.widths)
        widths = _set_scale(state, widths if rounds >= SETTLING_ROUNDS else state.widths)
        moved = float(np.abs(state.difference - before).mean())
        change = max(moved, widths.change_from(state.widths))
        state.widths = widths
        rounds += 1
    assert state.system is not None
    return CrowdFit(
        comparisons=comparisons, worth=state.worth,
        worth_error=np.sqrt(state.system.item_variances(state.generator)), difference=state.difference,
        difference_error=np.sqrt(state.variance + _from_reliability(state)), deviation=state.deviation,
        slope=_pair_terms(state)[0],
        habits=state.habits, widths=state.widths, system=state.system, rounds=rounds, has_converged=change <= TOLERANCE,
    )  # fmt: skip


def _appearances(comparisons: Comparisons) -> int:
    """In how many pairs the busiest item stands."""
    return int(np.bincount(np.concatenate([comparisons.first, comparisons.second])).max())


def _start(comparisons: Comparisons, seed: int, *, has_deviations: bool) -> _State:
    widths = FIRST_GUESS if has_deviations else FIRST_GUESS.replace_pair(0.0)
    return _State(
        comparisons=comparisons,
        blocks=find_blocks(comparisons.first, comparisons.second, comparisons.items),
        worth=np.zeros(comparisons.items),
        deviation=np.zeros(comparisons.pairs),
        habits=start_habits(comparisons, widths),
        widths=widths,
        generator=np.random.default_rng(seed),
        variance=np.full(comparisons.pairs, 2 * widths.item**2 + widths.pair**2),
    )


def _step_items(state: _State) -> None:
    """One Newton step of worths and deviations given the habits."""
    data, widths = state.comparisons, state.widths
    slope, curvature = _pair_terms(state)
    item_precision = np.full(data.items, widths.item**-2)
    fixed = slope.copy()
    weight = curvature
    own = np.zeros(data.pairs)
    if widths.pair:
        precision = widths.pair**-2
        own = slope - precision * state.deviation
        weight = curvature * precision / (curvature + precision)
        fixed = slope - curvature * own / (curvature + precision)
    system = build_system(state.blocks, weight, item_precision)
    step = system.solve(scatter(fixed, state.blocks) - item_precision * state.worth)
    along = step[data.first] - step[data.second]
    deviation = (own - curvature * along) / (curvature + widths.pair**-2) if widths.pair else own
    shortest = min(1.0, LARGEST_STEP / max(float(np.abs(along + deviation).max()), 1e-12))
    state.worth = state.worth + shortest * step
    state.deviation = state.deviation + shortest * deviation
    state.system, state.curvature = system, curvature
    state.variance = _difference_variances(system, curvature, widths, state.generator)


def _pair_terms(state: _State) -> tuple[Floats, Floats]:
    """[P] slope and curvature of the log-likelihood by the differences, averaged over what isn't known of them.

    The average makes the result the best Gaussian and not the mode, which lies too near 0 where all votes agree.
    Source: Opper and Archambeau 2009, Neural Computation 21, 786-792.
    """
    data, habits = state.comparisons, state.habits
    own = habits.value[data.annotator]
    spread = np.sqrt(state.variance)
    slope, curvature = np.zeros(data.choices), np.zeros(data.choices)
    for node, share in zip(NODES, NODE_WEIGHTS, strict=True):
        at = (state.difference + node * spread)[data.pair]
        terms = choice_terms(data.answer, own[:, RELIABILITY] * at + own[:, POSITION] * data.shown, own[:, TIE])
        slope += share * terms.slope
        curvature += share * terms.curvature
    weight = data.weight * own[:, RELIABILITY]
    return sum_by(data.pair, weight * slope, data.pairs), sum_by(
        data.pair, weight * own[:, RELIABILITY] * curvature, data.pairs
    )


def _from_reliability(state: _State) -> Floats:
    """[P] what is added to the variances because reliabilities are estimates: first-order propagation of error."""
    data, habits = state.comparisons, state.habits
    own = habits.value[data.annotator]
    at = state.difference[data.pair]
    terms = choice_terms(data.answer, own[:, RELIABILITY] * at + own[:, POSITION] * data.shown, own[:, TIE])
    change = data.weight * (terms.slope - own[:, RELIABILITY] * at * terms.curvature)
    unsure = habits.variance[data.annotator, RELIABILITY]
    return state.variance**2 * sum_by(data.pair, change**2 * unsure, data.pairs)


def _difference_variances(system: System, curvature: Floats, widths: Widths, generator: np.random.Generator) -> Floats:
    along = system.pair_variances(generator)
    if not widths.pair:
        return along
    precision = widths.pair**-2
    return 1 / (curvature + precision) + (precision / (curvature + precision)) ** 2 * along


def _estimate_widths(state: _State, *, has_deviations: bool) -> Widths:
    assert state.system is not None
    habits = state.habits
    apart = habits.apart**2 + habits.variance
    pair = 0.0
    if has_deviations:
        explained = state.system.pair_variances(state.generator)
        precision = state.widths.pair**-2
        share = state.curvature / (state.curvature + precision)
        pair = _width(state.deviation**2 + 1 / (state.curvature + precision) + share**2 * explained, FIRST_GUESS.pair)
    return Widths(
        item=_width(state.worth**2 + state.system.item_variances(state.generator), FIRST_GUESS.item),
        pair=pair,
        reliability=_width(apart[:, RELIABILITY], FIRST_GUESS.reliability),
        position=_width(apart[:, POSITION], FIRST_GUESS.position),
        tie=_width(apart[:, TIE], FIRST_GUESS.tie),
    )


def _set_scale(state: _State, widths: Widths) -> Widths:
    """Makes the mean square of the reliabilities 1 again. Nothing but this tells strong tastes from reliable people."""
    own, unsure = state.habits.value[:, RELIABILITY], state.habits.variance[:, RELIABILITY]
    scale = float(np.sqrt(np.mean(own**2 + unsure)))
    state.habits = state.habits.scale_reliability(1 / scale)
    state.worth, state.deviation = state.worth * scale, state.deviation * scale
    state.variance, state.curvature = state.variance * scale**2, state.curvature / scale**2
    return replace(widths, item=widths.item * scale, pair=widths.pair * scale, reliability=widths.reliability / scale)


def _width(squares: Floats, guess: float) -> float:
    """The standard deviation that squares and a weak guess suggest."""
    total = float(squares.sum()) + GUESS_COUNTS * guess**2
    return float(np.sqrt(total / (len(squares) + GUESS_COUNTS)))
