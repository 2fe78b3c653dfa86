"""What must hold for whatever numbers: laws of the pure formulas over ratios, rewards and log-probs drawn at will."""

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rltrainer.advantages import flat_groups, group_advantages
from rltrainer.config_learning import KLConfig
from rltrainer.gae import generalised_advantages, whiten
from rltrainer.kl import KLController, estimate_kl, kl_penalty
from rltrainer.losses import StepTotals, aggregate, cispo_surrogate, clipped_surrogate, importance_ratio

AGGREGATIONS = st.sampled_from(["grpo", "token_mean", "dr_grpo"])
SCALES = st.sampled_from(["group_std", "none", "loo", "batch"])
LEVELS = st.sampled_from(["token", "sequence", "sequence_token"])
few = settings(max_examples=30, deadline=None)


def matrices(low, high, *, rows=(1, 5), columns=(1, 6)):
    """Tensors of float64 between the bounds."""
    shape = st.tuples(st.integers(*rows), st.integers(*columns))
    number = st.floats(low, high, allow_subnormal=False, width=32)
    return shape.flatmap(
        lambda size: st.lists(
            st.lists(number, min_size=size[1], max_size=size[1]), min_size=size[0], max_size=size[0]
        ).map(lambda rows: torch.tensor(rows, dtype=torch.float64))
    )


def like(tensor, seed, scale=1.0):
    return scale * torch.randn(tensor.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def masks(tensor, seed):
    """Some tokens of each row, at least one of all."""
    mask = torch.rand(tensor.shape, generator=torch.Generator().manual_seed(seed)) < 0.7
    mask[0, 0] = True
    return mask


seeds = st.integers(0, 2**31)


@few
@given(ratio=matrices(0.0625, 20), seed=seeds, dual=st.floats(1.1, 5), limit=st.floats(1.5, 8))
def test_limits_order_the_losses(ratio, seed, dual, limit):
    advantages = like(ratio, seed)
    clips = {"clip_low": 0.2, "clip_high": 0.28}
    clipped = clipped_surrogate(ratio, advantages, **clips)
    # Clipping never makes a token look better than it is; the other limits never make it look worse.
    assert (clipped >= -ratio * advantages).all()
    for held in (
        clipped_surrogate(ratio, advantages, **clips, clip_dual=dual),
        clipped_surrogate(ratio, advantages, **clips, ratio_limit=limit),
    ):
        assert (held <= clipped).all()
        assert torch.equal(held[advantages > 0], clipped[advantages > 0])
    bound = -dual * advantages
    assert (
        clipped_surrogate(ratio, advantages, **clips, clip_dual=dual)[advantages < 0] <= bound[advantages < 0]
    ).all()


@few
@given(log_probs=matrices(-20, 0), seed=seeds)
def test_cispo_pushes_every_token_its_own_way(log_probs, seed):
    log_probs = log_probs.requires_grad_()
    advantages, old = like(log_probs, seed), log_probs.detach() + like(log_probs, seed + 1)
    ratio = importance_ratio(log_probs, old, torch.ones_like(advantages, dtype=torch.bool), level="token")
    loss = cispo_surrogate(log_probs, ratio, advantages, clip_high=0.28).sum()
    (gradient,) = torch.autograd.grad(loss, log_probs)
    assert torch.equal(gradient.sign(), -advantages.sign())
    assert (gradient.abs() <= 1.28 * advantages.abs() * (1 + 1e-9)).all()


@few
@given(log_probs=matrices(-20, 0), seed=seeds, level=LEVELS)
def test_ratios_know_nothing_of_what_does_not_count(log_probs, seed, level):
    mask, old = masks(log_probs, seed), log_probs + like(log_probs, seed)
    ratio = importance_ratio(log_probs, old, mask, level=level)
    noisy = log_probs.where(mask, torch.full_like(log_probs, math.nan))
    again = importance_ratio(noisy, old, mask, level=level)
    assert torch.equal(ratio[mask], again[mask])
    assert (ratio[mask] > 0).all()
    if level != "token":
        for row, counted in enumerate(mask):
            mean = (log_probs - old)[row][counted].mean().exp()
            torch.testing.assert_close(ratio[row][counted], mean.expand(int(counted.sum())))


@few
@given(losses=matrices(-5, 5, rows=(2, 6)), seed=seeds, aggregation=AGGREGATIONS, cut=st.integers(1, 5))
def test_shares_of_any_two_parts_sum_to_the_whole(losses, seed, aggregation, cut):
    mask = masks(losses, seed)
    totals = StepTotals(float(mask.any(1).sum()), float(mask.sum()), losses.shape[1])
    whole = aggregate(losses, mask, aggregation=aggregation, totals=totals)
    parts = [
        aggregate(losses[part], mask[part], aggregation=aggregation, totals=totals)
        for part in (slice(None, cut), slice(cut, None))
    ]
    torch.testing.assert_close(sum(parts), whole)
    constant = aggregate(torch.ones_like(losses), mask, aggregation=aggregation, totals=totals)
    if aggregation != "dr_grpo":
        torch.testing.assert_close(constant, torch.ones_like(constant))
    assert float(constant) <= 1 + 1e-9


@few
@given(rewards=matrices(-100, 100, rows=(1, 4), columns=(2, 6)), shift=st.floats(-50, 50), scale=SCALES, seed=seeds)
def test_advantages_are_centred_and_know_neither_level_nor_order(rewards, shift, scale, seed):
    advantages = group_advantages(rewards, scale=scale)
    assert float(advantages.sum(1).abs().max()) < 1e-6
    assert (advantages[flat_groups(rewards)] == 0).all()
    order = torch.randperm(rewards.shape[1], generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(group_advantages(rewards[:, order], scale=scale), advantages[:, order])
    spread = rewards.amax(1) - rewards.amin(1)
    # Beside a large level a spread of rounding's size is none: that is what the tolerance is for.
    if bool((spread > 1e-3).all()):
        torch.testing.assert_close(group_advantages(rewards + shift, scale=scale), advantages, atol=1e-6, rtol=1e-6)


@few
@given(rewards=matrices(-100, 100, rows=(1, 4), columns=(2, 6)))
def test_leaving_one_out_stretches_the_plain_advantage(rewards):
    members = rewards.shape[1]
    stretched = group_advantages(rewards, scale="none") * members / (members - 1)
    torch.testing.assert_close(group_advantages(rewards, scale="loo"), stretched)


@few
@given(policy=matrices(-30, 0), seed=seeds)
def test_estimators_of_distance(policy, seed):
    reference = policy + like(policy, seed, scale=3.0)
    k1, k2, k3 = (estimate_kl(policy, reference, estimator=name) for name in ("k1", "k2", "k3"))
    assert (k2 >= 0).all()
    assert (k3 >= 0).all()
    assert torch.equal(k1, -estimate_kl(reference, policy, estimator="k1"))
    torch.testing.assert_close(k3, torch.expm1(-k1) + k1)
    for estimator in ("k1", "k2", "k3"):
        assert (estimate_kl(policy, policy, estimator=estimator) == 0).all()
        straight = kl_penalty(policy, reference, old_log_probs=None, estimator=estimator, gradient="k2_st")
        torch.testing.assert_close(straight, estimate_kl(policy, reference, estimator=estimator))


@few
@given(distances=st.lists(st.tuples(st.floats(-1e6, 1e6), st.integers(1, 10**6)), max_size=30))
def test_an_adaptive_price_stays_positive_and_moves_the_right_way(distances):
    controller = KLController(KLConfig(coefficient=0.1, controller="adaptive", target=6.0, horizon=1000))
    for distance, completions in distances:
        before = controller.coefficient
        controller.update(distance, completions)
        assert controller.coefficient > 0
        assert (controller.coefficient - before) * (distance - 6.0) >= 0
        assert 0.8 - 1e-9 <= controller.coefficient / before <= 1.2 + 1e-9


@few
@given(rewards=matrices(-5, 5), seed=seeds, discount=st.floats(0, 1))
def test_the_ends_of_the_trace(rewards, seed, discount):
    mask, values = masks(rewards, seed), like(rewards, seed)
    short = generalised_advantages(rewards, values, mask, discount=discount, trace=0.0)
    long = generalised_advantages(rewards, values, mask, discount=discount, trace=1.0)
    for row in range(len(rewards)):
        earned, foretold = rewards[row][mask[row]], values[row][mask[row]]
        following = torch.cat([foretold[1:], foretold.new_zeros(1)])[: len(foretold)]
        torch.testing.assert_close(short[row][mask[row]], earned + discount * following - foretold)
        weights = [discount**place for place in range(len(earned))]
        to_come = [sum(w * r for w, r in zip(weights, earned[start:], strict=False)) for start in range(len(earned))]
        torch.testing.assert_close(
            long[row][mask[row]] + foretold, torch.tensor([float(value) for value in to_come], dtype=torch.float64)
        )
    assert (long[~mask] == 0).all()


@few
@given(
    values=matrices(-5, 5, rows=(2, 5), columns=(2, 6)), seed=seeds, shift=st.floats(-9, 9), factor=st.floats(0.5, 9)
)
def test_whitening_knows_neither_level_nor_unit(values, seed, shift, factor):
    values = values + like(values, seed)
    mask = masks(values, seed)
    mask[1, 1] = True
    whitened = whiten(values, mask)
    assert float(whitened[mask].mean().abs()) < 1e-6
    if float(values[mask].std()) > 0.1:
        torch.testing.assert_close(whiten(values * factor + shift, mask), whitened, atol=1e-5, rtol=1e-5)
