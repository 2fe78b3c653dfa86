"""Loss and gradient of an optimizer step against `GRPOTrainer._compute_loss` of TRL 1.16, weights to weights.

Ours runs through the trainer's own step: shared prompts, micro-batches, chunked head, accumulated float32 gradients.
TRL's runs one padded batch through its fused head. Names differ: see docs/parity.md.
"""

from dataclasses import replace

import pytest
import torch

from rltrainer.config_learning import KLConfig, LossConfig
from tests.rltrainer.gradients import make_rows, moved_since_sampling, relative_error, step_gradient

pytestmark = pytest.mark.xdist_group("trl")

AGGREGATIONS = {"grpo": "grpo", "token_mean": "dapo", "dr_grpo": "dr_grpo"}
"""Our names of the normalisers, and TRL's."""
LOSS_TOLERANCE = 1e-6
GRADIENT_TOLERANCE = 1e-6
"""Length of the difference over the length of the gradient; 2e-7 is seen."""


def check(trl_grpo, model, rows, *, loss, kl=None, temperature=1.0, micro_batch_tokens=100, **options):
    kl = kl or KLConfig(coefficient=0.0)
    ours = step_gradient(model, rows, loss=loss, kl=kl, temperature=temperature, micro_batch_tokens=micro_batch_tokens)
    theirs, gradient = trl_grpo.gradient(
        model,
        rows,
        loss_type=options.pop("loss_type", AGGREGATIONS[loss.aggregation]),
        epsilon=loss.clip_low,
        epsilon_high=options.pop("epsilon_high", loss.clip_high),
        temperature=temperature,
        **options,
    )
    assert float(gradient.norm()) > 1e-3
    assert ours.loss == pytest.approx(theirs, abs=LOSS_TOLERANCE, rel=LOSS_TOLERANCE)
    assert relative_error(ours.gradient, gradient) < GRADIENT_TOLERANCE
    return ours


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_first_pass(trl_grpo, model, aggregation):
    ours = check(trl_grpo, model, make_rows(model), loss=LossConfig(aggregation=aggregation))
    assert ours.metrics["ratio_min"] == ours.metrics["ratio_max"] == 1.0


@pytest.mark.parametrize("ratio", ["token", "sequence"])
@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_later_passes(trl_grpo, model, aggregation, ratio):
    rows = moved_since_sampling(make_rows(model))
    loss = LossConfig(aggregation=aggregation, ratio=ratio, clip_low=0.1, clip_high=0.15)
    ours = check(trl_grpo, model, rows, loss=loss, importance_sampling_level=ratio)
    assert ours.metrics["clip_low_fraction"] > 0
    assert ours.metrics["clip_high_fraction"] > 0


def test_wider_upper_limit(trl_grpo, model):
    check(trl_grpo, model, moved_since_sampling(make_rows(model)), loss=LossConfig(clip_low=0.2, clip_high=0.28))


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_limit_on_both_sides(trl_grpo, model, aggregation):
    rows = moved_since_sampling(make_rows(model), by=0.8)
    loss = LossConfig(aggregation=aggregation, ratio_limit=1.6)
    ours = check(trl_grpo, model, rows, loss=loss, delta=1.6)
    assert ours.metrics["ratio_max"] > 1.6
    # Without the limit the gradient is another one: it did hold something.
    free = step_gradient(model, rows, loss=LossConfig(aggregation=aggregation))
    assert relative_error(free.gradient, ours.gradient) > 0.01


@pytest.mark.parametrize(("gradient", "corrected"), [("naive", False), ("ratio", True)])
@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_price_of_distance(trl_grpo, model, aggregation, gradient, corrected):
    rows = moved_since_sampling(make_rows(model))
    check(
        trl_grpo,
        model,
        rows,
        loss=LossConfig(aggregation=aggregation),
        kl=KLConfig(coefficient=0.3, estimator="k3", gradient=gradient),
        beta=0.3,
        use_bias_correction_kl=corrected,
    )


def test_price_of_distance_on_the_first_pass(trl_grpo, model):
    kl = KLConfig(coefficient=0.3, estimator="k3", gradient="naive")
    check(trl_grpo, model, make_rows(model), loss=LossConfig(), kl=kl, beta=0.3, use_bias_correction_kl=False)


@pytest.mark.parametrize("moved", [False, True])
def test_temperature(trl_grpo, model, moved):
    rows = make_rows(model, temperature=0.7)
    check(
        trl_grpo,
        model,
        moved_since_sampling(rows) if moved else rows,
        loss=LossConfig(),
        kl=KLConfig(coefficient=0.3, gradient="ratio"),
        temperature=0.7,
        beta=0.3,
    )


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_reward_of_entropy(trl_grpo, model, temperature):
    rows = make_rows(model, temperature=temperature)
    loss = LossConfig(aggregation="token_mean", entropy_coefficient=0.5)
    check(trl_grpo, model, rows, loss=loss, temperature=temperature, entropy_coef=0.5)


def test_cispo(trl_grpo, model):
    # Our limit lies 0.28 above 1; TRL's is the ratio itself.
    rows = moved_since_sampling(make_rows(model))
    loss = LossConfig(surrogate="cispo", aggregation="token_mean", clip_high=0.28)
    check(trl_grpo, model, rows, loss=loss, loss_type="cispo", epsilon_high=1.28)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_accumulation(trl_grpo, model, aggregation):
    # TRL in two micro-batches of four rows, ours in as many as one cluster of tokens each makes.
    rows = moved_since_sampling(make_rows(model))
    check(trl_grpo, model, rows, loss=LossConfig(aggregation=aggregation), micro_batch_tokens=12, micro_batches=2)


def test_a_token_may_have_its_own_advantage(trl_grpo, model):
    rows = make_rows(model)
    generator = torch.Generator().manual_seed(5)
    own = [
        replace(row, advantages=tuple(torch.randn(len(row.completion_ids), generator=generator).tolist()))
        for row in moved_since_sampling(rows)
    ]
    check(trl_grpo, model, own, loss=LossConfig())


def test_meant_difference_rows_left_out(trl_grpo, model):
    # TRL's mean over rows still counts a row that is masked as a whole; ours does not.
    rows = moved_since_sampling(make_rows(model))
    left_out = [replace(row, counted=place != 3) for place, row in enumerate(rows)]
    ours = step_gradient(model, left_out, loss=LossConfig(aggregation="grpo"))
    theirs, gradient = trl_grpo.gradient(model, rows, masked=[3], loss_type="grpo", epsilon=0.2, epsilon_high=0.2)
    assert ours.loss * 7 / 8 == pytest.approx(theirs, abs=LOSS_TOLERANCE)
    assert relative_error(ours.gradient * 7 / 8, gradient) < GRADIENT_TOLERANCE


def test_meant_difference_price_beside_a_sequence_ratio(trl_grpo, model):
    # Without a price both agree; with one, TRL weighs a token's distance by its row's ratio and we by its own.
    rows = moved_since_sampling(make_rows(model))
    kl, loss = KLConfig(coefficient=0.3), LossConfig(aggregation="grpo", ratio="sequence")
    ours = step_gradient(model, rows, loss=loss, kl=kl)
    options = {"loss_type": "grpo", "epsilon": 0.2, "epsilon_high": 0.2, "importance_sampling_level": "sequence"}
    _, weighed = trl_grpo.gradient(model, rows, beta=0.3, use_bias_correction_kl=True, **options)
    assert relative_error(ours.gradient, weighed) > 0.01
    naive = step_gradient(model, rows, loss=loss, kl=replace(kl, gradient="naive"))
    _, unweighed = trl_grpo.gradient(model, rows, beta=0.3, use_bias_correction_kl=False, **options)
    assert relative_error(naive.gradient, unweighed) < GRADIENT_TOLERANCE
