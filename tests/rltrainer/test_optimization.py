import copy
from dataclasses import replace

import pytest
import torch

from rewardmodel.runtime.backbones import load_causal_model
from rewardmodel.runtime.faults import Diverged
from rewardmodel.runtime.master_weights import MasterWeights
from rltrainer.algorithms.policy_loss import PolicyLoss
from rltrainer.config_learning import KLConfig, LossConfig, OptimizerConfig
from rltrainer.memory import MicroBatchBudget
from rltrainer.optimization import PolicyOptimizer, StepTerms, build_adamw, learning_rate_at, plan_steps
from rltrainer.policy import Policy
from rltrainer.records import TrainingBatch, TrainingRow
from rltrainer.step_work import OPERATIONS
from rltrainer.tally import Tally
from rltrainer.weight_stepper import WeightStepper

AGGREGATIONS = ("grpo", "token_mean", "dr_grpo")
ROWS = tuple(
    TrainingRow(
        prompt_ids=(5, 6, 7 + row // 4),
        completion_ids=tuple(20 + (row * 3 + place) % 40 for place in range(1 + row % 5)),
        advantages=((-1.0) ** row * (1 + row / 4),) * (1 + row % 5),
        sampler_log_probs=(-5.5,) * (1 + row % 5),
        reference_log_probs=(-5.6,) * (1 + row % 5),
    )
    for row in range(8)
)


def _optimizer(model, *, micro_batch_tokens=1000, **config):
    policy = Policy(model, temperature=1.0, micro_batch_tokens=micro_batch_tokens)
    return PolicyOptimizer(policy, MasterWeights(model), OptimizerConfig(**config))


def _terms(*, learning_rate=1e-3, coefficient=0.04, needs_pass=lambda row: True, seed=0, of_sampler=False, **loss):
    policy_loss = PolicyLoss(loss=LossConfig(**loss), kl=KLConfig(coefficient=coefficient))
    return StepTerms(policy_loss, needs_pass, learning_rate, 6, seed, of_sampler)


class _Halted(WeightStepper):
    """Stops where the weights would move, so that a test can look at the gradient."""

    gradient: torch.Tensor

    def _move(self, learning_rate):
        self.gradient = torch.cat([master.grad.flatten() for master in self.masters.parameters]).clone()
        self.masters.clear_gradients()


def _gradient(model, rows, micro_batch_tokens, *, budget=None, **terms):
    """The gradient of a whole step as the optimizer sees it, and what the step measured."""
    policy = Policy(model, temperature=1.0, micro_batch_tokens=micro_batch_tokens)
    config = OptimizerConfig(max_grad_norm=1e9)
    optimizer = PolicyOptimizer(policy, MasterWeights(model), config, budget=budget)
    before = optimizer.stepper
    optimizer.stepper = _Halted(before.masters, before.adamw, config, budget=before.budget)
    tally = Tally()
    optimizer.update(TrainingBatch(tuple(rows), 0), _terms(**terms), tally)
    return optimizer.stepper.gradient, tally.values()


@pytest.mark.parametrize("ratio", ["token", "sequence"])
@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_one_micro_batch_of_eight_equals_eight_of_one(model, aggregation, ratio):
    whole, whole_values = _gradient(model, ROWS, 1000, aggregation=aggregation, ratio=ratio)
    single, single_values = _gradient(model, ROWS, 1, aggregation=aggregation, ratio=ratio)
    assert float((whole - single).abs().max()) < 1e-6
    # A prompt that is computed once for several completions is less work.
    assert single_values.pop(OPERATIONS) > whole_values.pop(OPERATIONS)
    assert single_values == pytest.approx(whole_values, abs=1e-5)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_the_order_of_rows_changes_nothing(model, aggregation):
    straight, _ = _gradient(model, ROWS, 60, aggregation=aggregation)
    turned, _ = _gradient(model, ROWS[::-1], 60, aggregation=aggregation)
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
        total = total + (-row.advantages[0] * log_probs + 0.04 * (k3 + k3.detach() * log_probs)).sum()
    (total / tokens).backward()
    plain = torch.cat([p.grad.flatten() for p in model.parameters()])
    torch.testing.assert_close(gradient, plain, atol=1e-6, rtol=1e-5)


def test_on_the_first_pass_ratios_are_one_and_nothing_is_clipped(model):
    _, values = _gradient(model, ROWS, 60)
    assert (values["ratio_min"], values["ratio_mean"], values["ratio_max"]) == (1.0, 1.0, 1.0)
    assert values["clip_low_fraction"] == values["clip_high_fraction"] == 0.0


def test_only_completions_of_this_very_policy_tell_of_the_sampler_and_of_the_distance(model):
    carried = tuple(replace(row, old_log_probs=row.sampler_log_probs) for row in ROWS[:4])
    _, mixed = _gradient(model, (*carried, *ROWS[4:]), 60)
    _, fresh = _gradient(model, ROWS[4:], 60)
    assert mixed["sampler_ratio_mean"] == pytest.approx(fresh["sampler_ratio_mean"], rel=1e-6)
    assert mixed["sampler_gap_max"] == pytest.approx(fresh["sampler_gap_max"], rel=1e-6)
    assert mixed["kl_sequence"] == pytest.approx(fresh["kl_sequence"], rel=1e-5) and fresh["kl_sequence"] != 0
    assert mixed["kl_token"] == pytest.approx(fresh["kl_token"], rel=1e-5)
    _, foreign = _gradient(model, carried, 60)
    assert not any(name.startswith(("sampler_", "kl_")) for name in foreign)


def test_flat_groups_give_no_gradient_at_all(model):
    rows = [replace(row, advantages=(0.0,) * len(row.advantages)) for row in ROWS]
    gradient, values = _gradient(model, rows, 60, coefficient=0.0)
    assert float(gradient.abs().max()) == 0.0
    assert values["loss"] == 0.0


def test_sparing_rows_without_advantage_changes_nothing_but_the_work(model):
    rows = [replace(row, advantages=(0.0,) * len(row.advantages)) if n % 3 else row for n, row in enumerate(ROWS)]
    whole, _ = _gradient(model, rows, 60, coefficient=0.0)
    spared, values = _gradient(model, rows, 60, coefficient=0.0, needs_pass=lambda row: any(row.advantages))
    torch.testing.assert_close(spared, whole, atol=1e-7, rtol=0)
    assert values["rows_spared"] == 5


def test_rows_left_out_are_as_if_they_had_never_been(model):
    without, _ = _gradient(model, ROWS[:5], 60)
    masked, _ = _gradient(model, [*ROWS[:5], *(replace(row, counted=False) for row in ROWS[5:])], 60)
    torch.testing.assert_close(masked, without, atol=1e-7, rtol=0)


def test_bfloat16_gradients_are_near_those_of_float32(base):
    exact, _ = _gradient(load_causal_model(base), ROWS, 60)
    found, _ = _gradient(load_causal_model(base, dtype=torch.bfloat16), ROWS, 60)
    assert found.dtype == torch.float32
    assert float((found - exact).norm() / exact.norm()) < 2e-2


def test_later_passes_compare_with_the_policy_that_sampled(model):
    optimizer, tally = _optimizer(model, passes=3, max_grad_norm=10.0), Tally()
    optimizer.update(TrainingBatch(ROWS, 0), _terms(coefficient=0.0, learning_rate=1e-2), tally)
    values = tally.values()
    assert values["optimizer_steps"] == 3
    assert values["ratio_min"] < 0.9
    assert values["ratio_max"] > 1.1
    assert values["clip_low_fraction"] > 0
    assert values["clip_high_fraction"] > 0
    assert 0 < values["clip_row_fraction"] <= 1
    assert values["old_kl_k3"] > 0


def test_every_minibatch_after_the_first_has_moved_away(model):
    optimizer, tally = _optimizer(model, minibatches=4), Tally()
    optimizer.update(TrainingBatch(ROWS, 0), _terms(coefficient=0.0, learning_rate=1e-2), tally)
    values = tally.values()
    assert values["optimizer_steps"] == 4
    assert values["ratio_min"] < 1 < values["ratio_max"]


def test_the_samplers_log_probs_can_stand_below_the_ratio(model):
    optimizer = _optimizer(model)
    pairs = [(row.prompt_ids, row.completion_ids) for row in ROWS]
    known = optimizer.policy.log_probs(pairs)
    rows = [replace(row, sampler_log_probs=own) for row, own in zip(ROWS, known, strict=True)]
    own, sampled = {}, {}
    for kept, of_sampler in ((own, False), (sampled, True)):
        fresh = _optimizer(copy.deepcopy(model), passes=2, max_grad_norm=10.0)
        tally = Tally()
        fresh.update(TrainingBatch(tuple(rows), 0), _terms(of_sampler=of_sampler, coefficient=0.0), tally)
        kept.update(tally.values())
    assert own == pytest.approx(sampled, abs=1e-6)


def test_a_batch_is_left_once_the_policy_has_gone_far(model):
    optimizer, tally = _optimizer(model, passes=5, max_grad_norm=10.0, target_kl=1e-4), Tally()
    optimizer.update(TrainingBatch(ROWS, 0), _terms(coefficient=0.0, learning_rate=1e-2), tally)
    assert tally.values()["optimizer_steps"] == 2


def test_a_step_raises_what_was_good_and_lowers_what_was_bad(model):
    pairs = [(row.prompt_ids, row.completion_ids) for row in ROWS]
    optimizer = _optimizer(model)
    before = [sum(own) for own in optimizer.policy.log_probs(pairs)]
    optimizer.update(TrainingBatch(ROWS, 0), _terms(coefficient=0.0), Tally())
    after = [sum(own) for own in optimizer.policy.log_probs(pairs)]
    gain = sum(row.advantages[0] * (new - old) for row, new, old in zip(ROWS, after, before, strict=True))
    assert gain > 0


def test_a_gradient_that_is_no_number_is_left_out_and_counted(model):
    before = [p.detach().clone() for p in model.parameters()]
    broken = TrainingBatch((replace(ROWS[0], advantages=(float("nan"),)), *ROWS[1:]), 0)
    optimizer, tally = _optimizer(model, max_skipped_steps=1), Tally()
    optimizer.update(broken, _terms(), tally)
    assert tally.values()["skipped_steps"] == 1
    torch.testing.assert_close([p.detach() for p in model.parameters()], before)
    with pytest.raises(Diverged, match="not finite 2 times in a row"):
        optimizer.update(broken, _terms(), tally)


def test_a_good_step_between_bad_ones_forgives(model):
    broken = TrainingBatch((replace(ROWS[0], advantages=(float("nan"),)), *ROWS[1:]), 0)
    optimizer = _optimizer(model, max_skipped_steps=1)
    for batch in (broken, TrainingBatch(ROWS, 0), broken):
        optimizer.update(batch, _terms(), Tally())
    assert optimizer.skipped_in_a_row == 1


def test_a_batch_without_anything_to_learn_still_ages_the_means(model):
    optimizer = _optimizer(model)
    optimizer.update(TrainingBatch(ROWS, 0), _terms(coefficient=0.0), Tally())
    before = model.get_input_embeddings().weight.detach().clone()
    rows = tuple(replace(row, advantages=(0.0,) * len(row.advantages)) for row in ROWS)
    terms = _terms(coefficient=0.0, needs_pass=lambda row: any(row.advantages))
    optimizer.update(TrainingBatch(rows, 1), terms, Tally())
    assert not torch.equal(model.get_input_embeddings().weight, before)


def test_out_of_memory_halves_the_micro_batches_and_changes_nothing_else(model, monkeypatch):
    whole, _ = _gradient(model, ROWS, 64)
    budget, sizes, score = MicroBatchBudget(64), [], Policy.score

    def scarce(self, clusters):
        tokens = sum(cluster.tokens for cluster in clusters)
        sizes.append(tokens)
        if tokens > 16:
            raise RuntimeError(
                "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"
            )
        return score(self, clusters)

    monkeypatch.setattr(Policy, "score", scarce)
    found, _ = _gradient(model, ROWS, 64, budget=budget)
    assert budget.tokens == 16
    assert max(sizes) > 16
    torch.testing.assert_close(found, whole, atol=1e-6, rtol=0)


def test_other_errors_are_not_taken_for_a_lack_of_memory(model, monkeypatch):
    def broken(self, clusters):
        raise RuntimeError("something else")

    monkeypatch.setattr(Policy, "score", broken)
    with pytest.raises(RuntimeError, match="something else"):
        _gradient(model, ROWS, 64, budget=MicroBatchBudget(64))


def test_minibatches_hold_every_row_once_a_pass_and_keep_prompts_together():
    plan = plan_steps(ROWS, passes=3, minibatches=2, seed=5)
    assert len(plan) == 6
    for first, second in zip(plan[::2], plan[1::2], strict=True):
        assert sorted(first + second) == list(range(8))
        assert {ROWS[index].prompt_ids for index in first}.isdisjoint({ROWS[index].prompt_ids for index in second})
    assert plan == plan_steps(ROWS, passes=3, minibatches=2, seed=5)


def test_what_is_packed_comes_back_and_steps_on_the_same(model):
    other = copy.deepcopy(model)
    optimizer, twin = _optimizer(model), _optimizer(other)
    optimizer.update(TrainingBatch(ROWS, 0), _terms(), Tally())
    twin.unpack(*copy.deepcopy(optimizer.pack()))
    for each in (optimizer, twin):
        each.update(TrainingBatch(ROWS, 1), _terms(seed=1), Tally())
    for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, theirs)


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
