import pytest
import torch

from rewardmodel.runtime.faults import Diverged
from rewardmodel.runtime.master_weights import MasterWeights
from rltrainer.algorithms.grpo import GRPO
from rltrainer.config_sections import AdvantageConfig, KLConfig, LossConfig, OptimizerConfig
from rltrainer.optimization import PolicyOptimizer, build_adamw, count_totals, learning_rate_at
from rltrainer.policy import Policy
from rltrainer.records import TrainingBatch, TrainingRow
from rltrainer.tally import Tally

AGGREGATIONS = ("grpo", "token_mean", "dr_grpo")
ROWS = tuple(
    TrainingRow(
        prompt_ids=(5, 6, 7 + row // 4),
        completion_ids=tuple(20 + (row * 3 + place) % 40 for place in range(1 + row % 5)),
        advantage=(-1.0) ** row * (1 + row / 4),
        sampler_log_probs=(-5.5,) * (1 + row % 5),
        reference_log_probs=(-5.6,) * (1 + row % 5),
    )
    for row in range(8)
)


def _optimizer(model, *, micro_batch_tokens=1000, **config):
    policy = Policy(model, temperature=1.0, micro_batch_tokens=micro_batch_tokens)
    return PolicyOptimizer(policy, MasterWeights(model), OptimizerConfig(**config))


def _algorithm(aggregation="token_mean", ratio="token", coefficient=0.04):
    return GRPO(
        kl=KLConfig(coefficient=coefficient),
        advantage=AdvantageConfig(),
        loss=LossConfig(aggregation=aggregation, ratio=ratio),
    )


def _gradient(model, rows, micro_batch_tokens, aggregation="token_mean", ratio="token", coefficient=0.04):
    """The gradient of a whole step, as the optimizer would see it."""
    model.zero_grad()
    optimizer, tally = _optimizer(model, micro_batch_tokens=micro_batch_tokens), Tally()
    optimizer._accumulate(
        rows, _algorithm(aggregation, ratio, coefficient), totals=count_totals(rows, 6), tally=tally, first=True
    )
    return torch.cat([p.grad.flatten() for p in model.parameters()]).clone(), tally.values()


@pytest.mark.parametrize("ratio", ["token", "sequence"])
@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_one_micro_batch_of_eight_equals_eight_of_one(model, aggregation, ratio):
    whole, whole_values = _gradient(model, ROWS, 1000, aggregation, ratio)
    single, single_values = _gradient(model, ROWS, 1, aggregation, ratio)
    assert float((whole - single).abs().max()) < 1e-6
    assert single_values == pytest.approx(whole_values, abs=1e-5)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_the_order_of_rows_changes_nothing(model, aggregation):
    straight, _ = _gradient(model, ROWS, 60, aggregation)
    turned, _ = _gradient(model, ROWS[::-1], 60, aggregation)
    torch.testing.assert_close(straight, turned, atol=1e-6, rtol=0)


def test_the_gradient_is_that_of_plain_formulas(model):
    # On the first pass the ratio is 1: policy gradient of A * log p, plus the gradient of ratio * k3.
    gradient, _ = _gradient(model, ROWS, 60)
    model.zero_grad()
    total, tokens = 0.0, sum(len(row.completion_ids) for row in ROWS)
    for row in ROWS:
        logits = model(torch.tensor([[*row.prompt_ids, *row.completion_ids]])).logits[0]
        places = range(len(row.prompt_ids) - 1, len(row.prompt_ids) + len(row.completion_ids) - 1)
        log_probs = logits.log_softmax(1)[places, list(row.completion_ids)]
        x = torch.tensor(row.reference_log_probs) - log_probs
        k3 = x.exp() - 1 - x
        total = total + (-row.advantage * log_probs + 0.04 * (k3 + k3.detach() * log_probs)).sum()
    (total / tokens).backward()
    plain = torch.cat([p.grad.flatten() for p in model.parameters()])
    torch.testing.assert_close(gradient, plain, atol=1e-6, rtol=1e-5)


def test_on_the_first_pass_ratios_are_one_and_nothing_is_clipped(model):
    _, values = _gradient(model, ROWS, 60)
    assert (values["ratio_min"], values["ratio_mean"], values["ratio_max"]) == (1.0, 1.0, 1.0)
    assert values["clip_low_fraction"] == values["clip_high_fraction"] == 0.0


def test_flat_groups_give_no_gradient_at_all(model):
    from dataclasses import replace

    rows = [replace(row, advantage=0.0) for row in ROWS]
    gradient, values = _gradient(model, rows, 60, coefficient=0.0)
    assert float(gradient.abs().max()) == 0.0
    assert values["loss"] == 0.0


def test_bfloat16_gradients_are_near_those_of_float32(base):
    from rewardmodel.runtime.backbones import load_causal_model

    exact, _ = _gradient(load_causal_model(base), ROWS, 60)
    rough = load_causal_model(base, dtype=torch.bfloat16)
    optimizer = _optimizer(rough, micro_batch_tokens=60)
    optimizer._accumulate(ROWS, _algorithm(), totals=count_totals(ROWS, 6), tally=Tally(), first=True)
    found = torch.cat([master.grad.flatten() for master in optimizer.masters.parameters])
    assert found.dtype == torch.float32
    assert float((found - exact).norm() / exact.norm()) < 2e-2


def test_later_passes_compare_with_the_policy_that_sampled(model):
    tally = Tally()
    optimizer = _optimizer(model, passes=3, learning_rate=1e-2, max_grad_norm=10.0)
    optimizer.update(
        TrainingBatch(ROWS, 0), _algorithm(coefficient=0.0), learning_rate=1e-2, max_new_tokens=6, tally=tally
    )
    values = tally.values()
    assert values["ratio_min"] < 0.9
    assert values["ratio_max"] > 1.1
    assert values["clip_low_fraction"] > 0
    assert values["clip_high_fraction"] > 0


def test_a_step_raises_what_was_good_and_lowers_what_was_bad(model):
    pairs = [(row.prompt_ids, row.completion_ids) for row in ROWS]
    optimizer = _optimizer(model)
    before = [sum(own) for own in optimizer.policy.log_probs(pairs)]
    optimizer.update(
        TrainingBatch(ROWS, 0), _algorithm(coefficient=0.0), learning_rate=1e-3, max_new_tokens=6, tally=Tally()
    )
    after = [sum(own) for own in optimizer.policy.log_probs(pairs)]
    gain = sum(row.advantage * (new - old) for row, new, old in zip(ROWS, after, before, strict=True))
    assert gain > 0


def test_a_gradient_that_is_no_number_ends_the_run_and_leaves_the_weights(model):
    from dataclasses import replace

    before = [p.detach().clone() for p in model.parameters()]
    rows = (replace(ROWS[0], advantage=float("nan")), *ROWS[1:])
    with pytest.raises(Diverged, match="not finite"):
        _optimizer(model).update(
            TrainingBatch(rows, 0), _algorithm(), learning_rate=1e-3, max_new_tokens=6, tally=Tally()
        )
    torch.testing.assert_close([p.detach() for p in model.parameters()], before)


def test_learning_rates_by_hand():
    config = OptimizerConfig(learning_rate=1.0, warmup_steps=2, schedule="linear")
    rates = [learning_rate_at(step, config=config, steps=6) for step in range(6)]
    assert rates == pytest.approx([0.5, 1.0, 1.0, 0.75, 0.5, 0.25])
    constant = OptimizerConfig(learning_rate=2.0)
    assert [learning_rate_at(step, config=constant, steps=3) for step in range(3)] == [2.0, 2.0, 2.0]


def test_only_matrices_decay(model):
    adamw = build_adamw(list(model.parameters()), OptimizerConfig(weight_decay=0.1))
    assert [(group["weight_decay"], {p.ndim for p in group["params"]}) for group in adamw.param_groups] == [
        (0.1, {2}),
        (0.0, {1}),
    ]
