"""Pure functions against verl 0.9.1's `core_algos`: values to 1e-7, gradients where there are any."""

import numpy as np
import pytest
import torch

from rltrainer.advantages import group_advantages
from rltrainer.config_learning import KLConfig
from rltrainer.gae import generalised_advantages, whiten
from rltrainer.kl import KLController, estimate_kl, kl_penalty
from rltrainer.losses import StepTotals, aggregate
from rltrainer.value_losses import held_values, value_losses
from tests.rltrainer.parity.verl_oracle import core_algos, torch_functional

AGGREGATIONS = {"grpo": "seq-mean-token-mean", "token_mean": "token-mean", "dr_grpo": "seq-mean-token-sum-norm"}
"""Our names of the normalisers, and verl's."""
LENGTHS = torch.tensor([5, 1, 8, 3, 8, 2])
MASK = torch.arange(8)[None] < LENGTHS[:, None]
TOTALS = StepTotals(rows=6, tokens=int(LENGTHS.sum()), max_new_tokens=8)


def draw(number, *, scale=1.0):
    return scale * torch.randn(6, 8, generator=torch.Generator().manual_seed(number), dtype=torch.float64)


def exactly(found, expected, tolerance=1e-7):
    torch.testing.assert_close(found, expected, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize(("discount", "trace"), [(1.0, 0.95), (0.9, 0.5), (1.0, 1.0), (1.0, 0.0)])
def test_gae_and_whitening(discount, trace):
    rewards, values = draw(1), draw(2)
    whitened, returns = core_algos().compute_gae_advantage_return(rewards, values, MASK.double(), discount, trace)
    advantages = generalised_advantages(rewards, values, MASK, discount=discount, trace=trace)
    exactly((advantages + values)[MASK], returns[MASK])
    exactly(whiten(advantages, MASK)[MASK], whitened[MASK])


def test_gae_steps_over_tokens_that_do_not_count():
    holes = MASK & (torch.arange(8)[None] % 3 != 1)
    rewards, values = draw(1), draw(2)
    whitened, returns = core_algos().compute_gae_advantage_return(rewards, values, holes.double(), 0.9, 0.95)
    advantages = generalised_advantages(rewards, values, holes, discount=0.9, trace=0.95)
    exactly((advantages + values)[holes], returns[holes])
    exactly(whiten(advantages, holes)[holes], whitened[holes])


def test_whitening_over_all_that_counts():
    exactly(whiten(draw(3), MASK)[MASK], torch_functional().masked_whiten(draw(3), MASK.double())[MASK])


@pytest.mark.parametrize("clip", [0.2, 1.0])
def test_clipped_value_loss(clip):
    values, old, returns = draw(1).requires_grad_(), draw(2), draw(3)
    theirs, share = core_algos().compute_value_loss(values, returns, old, MASK.double(), clip)
    ours = aggregate(value_losses(values, old, returns, clip=clip), MASK, aggregation="token_mean", totals=TOTALS)
    exactly(ours, theirs)
    (found,), (expected,) = torch.autograd.grad(ours, values), torch.autograd.grad(theirs, values)
    exactly(found, expected)
    held = held_values(values.detach(), old, returns, clip=clip)[MASK].double().mean()
    assert 0 < float(held) < 1
    exactly(held, share.double())


def near_log_probs():
    """Less than 2.3 nats apart, float32: verl holds k3 below 10 and we do not."""
    return draw(1, scale=0.5).float().requires_grad_(), draw(2, scale=0.5).float()


@pytest.mark.parametrize("estimator", ["k1", "k2", "k3"])
def test_kl_estimators(estimator):
    policy, reference = near_log_probs()
    ours = estimate_kl(policy, reference, estimator=estimator)
    theirs = core_algos().kl_penalty(policy, reference, estimator)
    exactly(ours, theirs, tolerance=1e-6)
    (found,), (expected,) = torch.autograd.grad(ours.sum(), policy), torch.autograd.grad(theirs.sum(), policy)
    exactly(found, expected, tolerance=1e-6)


@pytest.mark.parametrize("estimator", ["k1", "k3"])
def test_kl_straight_through(estimator):
    policy, reference = near_log_probs()
    ours = kl_penalty(policy, reference, old_log_probs=None, estimator=estimator, gradient="k2_st")
    theirs = core_algos().kl_penalty(policy, reference, f"{estimator}+")
    exactly(ours, theirs, tolerance=1e-6)
    (found,), (expected,) = torch.autograd.grad(ours.sum(), policy), torch.autograd.grad(theirs.sum(), policy)
    exactly(found, expected)


def test_k3_goes_on_where_verls_stops():
    policy, reference = torch.tensor([-4.0]), torch.tensor([-1.0])
    assert core_algos().kl_penalty(policy, reference, "k3").item() == 10.0
    assert estimate_kl(policy, reference, estimator="k3").item() == pytest.approx(np.exp(3) - 4, rel=1e-6)


def test_adaptive_price():
    ours = KLController(KLConfig(coefficient=0.05, controller="adaptive", target=4.0, horizon=1000))
    theirs = core_algos().AdaptiveKLController(0.05, 4.0, 1000)
    for distance, completions in ((3.1, 64), (9.0, 128), (4.4, 1000), (-0.5, 32)):
        ours.update(distance, completions)
        theirs.update(distance, completions)
        assert ours.coefficient == pytest.approx(theirs.value, rel=1e-12)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_aggregation(aggregation):
    losses = draw(4).requires_grad_()
    ours = aggregate(losses, MASK, aggregation=aggregation, totals=TOTALS)
    theirs = core_algos().agg_loss(losses, MASK.double(), AGGREGATIONS[aggregation])
    exactly(ours, theirs)
    (found,), (expected,) = torch.autograd.grad(ours, losses), torch.autograd.grad(theirs, losses)
    exactly(found, expected)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_aggregation_leaves_masked_rows_out_of_both_sides(aggregation):
    mask = MASK.clone()
    mask[2] = False
    totals = StepTotals(rows=5, tokens=int(mask.sum()), max_new_tokens=8)
    theirs = core_algos().agg_loss(draw(4), mask.double(), AGGREGATIONS[aggregation])
    exactly(aggregate(draw(4), mask, aggregation=aggregation, totals=totals), theirs)


def spread(rewards):
    """The rewards of completions as verl wants them: at each completion's last token."""
    tokens = torch.zeros(6, 8, dtype=torch.float64)
    tokens[torch.arange(6), LENGTHS - 1] = rewards.flatten()
    return tokens


@pytest.mark.parametrize(("scale", "by_deviation"), [("group_std", True), ("none", False)])
def test_group_advantages(scale, by_deviation):
    rewards, groups = draw(5)[:2, :3], np.array([0, 0, 0, 1, 1, 1])
    theirs, _ = core_algos().compute_grpo_outcome_advantage(
        spread(rewards), MASK.double(), groups, epsilon=1e-4, norm_adv_by_std_in_grpo=by_deviation
    )
    exactly(group_advantages(rewards, scale=scale).flatten(), theirs[:, 0])


def test_leave_one_out_advantages():
    rewards, groups = draw(5)[:2, :3], np.array([0, 0, 0, 1, 1, 1])
    theirs, _ = core_algos().compute_rloo_outcome_advantage(spread(rewards), MASK.double(), groups)
    exactly(group_advantages(rewards, scale="loo").flatten(), theirs[:, 0])
