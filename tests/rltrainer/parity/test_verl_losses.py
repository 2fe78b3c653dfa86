"""Losses of the policy against verl 0.9.1, weights to weights: its formulas on log-probs of the plain network.

Ours is the trainer's own step; the log-probs under verl's formulas come from a forward pass of its own.
"""

import pytest
import torch

from rltrainer.algorithms.policy_loss import stack
from rltrainer.config_learning import LossConfig
from tests.rltrainer.gradients import make_rows, moved_since_sampling, plain_log_probs, relative_error, step_gradient
from tests.rltrainer.parity.verl_oracle import ActorConfig, core_algos

AGGREGATIONS = {"grpo": "seq-mean-token-mean", "token_mean": "token-mean", "dr_grpo": "seq-mean-token-sum-norm"}


def their_step(model, rows, name, *, aggregation, **config):
    model.zero_grad()
    log_probs, mask = plain_log_probs(model, rows)
    loss, _ = core_algos().get_policy_loss_fn(name)(
        old_log_prob=stack([row.old_log_probs for row in rows], log_probs),
        log_prob=log_probs,
        advantages=stack([row.advantages for row in rows], log_probs),
        response_mask=mask.float(),
        loss_agg_mode=AGGREGATIONS[aggregation],
        config=ActorConfig(**config),
    )
    loss.backward()
    return float(loss.detach()), torch.cat([p.grad.flatten() for p in model.parameters()])


def check(model, rows, name, loss, **config):
    ours = step_gradient(model, rows, loss=loss)
    theirs, gradient = their_step(
        model,
        rows,
        name,
        aggregation=loss.aggregation,
        clip_ratio_low=loss.clip_low,
        clip_ratio_high=loss.clip_high,
        **config,
    )
    assert ours.loss == pytest.approx(theirs, abs=1e-6, rel=1e-6)
    assert relative_error(ours.gradient, gradient) < 1e-6
    return ours


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_dual_clip(model, aggregation):
    rows = moved_since_sampling(make_rows(model), by=0.8)
    loss = LossConfig(aggregation=aggregation, clip_high=0.28, clip_dual=1.5)
    ours = check(model, rows, "vanilla", loss, clip_ratio_c=1.5)
    assert ours.metrics["clip_dual_fraction"] > 0


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_sequence_ratio_with_the_gradient_of_each_token(model, aggregation):
    rows = moved_since_sampling(make_rows(model))
    loss = LossConfig(aggregation=aggregation, ratio="sequence_token", clip_low=0.1, clip_high=0.15)
    ours = check(model, rows, "gspo", loss)
    assert ours.metrics["clip_low_fraction"] + ours.metrics["clip_high_fraction"] > 0


def test_cispo_without_a_lower_limit(model):
    # verl holds the weight from below as well: a lower limit of 1 turns that off.
    rows = moved_since_sampling(make_rows(model))
    loss = LossConfig(surrogate="cispo", clip_low=1.0, clip_high=0.28)
    check(model, rows, "cispo", loss)
