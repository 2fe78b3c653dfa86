"""The distance of a policy holds for all completions that it sampled, whoever learns from them."""

from dataclasses import replace

import pytest
import torch

from rewardmodel.runtime.master_weights import MasterWeights
from rltrainer.algorithms.policy_loss import PolicyLoss
from rltrainer.config_learning import KLConfig, LossConfig, OptimizerConfig
from rltrainer.distance import choose_witnesses
from rltrainer.optimization import PolicyOptimizer, StepTerms
from rltrainer.policy import Policy
from rltrainer.records import TrainingBatch, TrainingRow
from rltrainer.tally import Tally

NAMES = ("kl_sequence", "kl_token", "sampler_gap_mean", "sampler_ratio_mean", "sampler_gap_min", "sampler_gap_max")
ROWS = tuple(
    TrainingRow(
        prompt_ids=(5, 6, 7 + row // 4),
        completion_ids=tuple(20 + (row * 3 + place) % 40 for place in range(1 + row % 5)),
        advantages=(1.0 - row % 2 * 2,) * (1 + row % 5),
        sampler_log_probs=(-5.5,) * (1 + row % 5),
        reference_log_probs=(-5.6 - row / 10,) * (1 + row % 5),
    )
    for row in range(12)
)


def _flat(row: TrainingRow) -> TrainingRow:
    return replace(row, advantages=(0.0,) * len(row.advantages))


def _learns(row: TrainingRow) -> bool:
    return any(row.advantages)


def _measure(model, rows, *, needs_pass=_learns, of_sampler=False, **config):
    """What one update measures, with so small a step that the model stays as it is."""
    policy = Policy(model, temperature=1.0, micro_batch_tokens=1000)
    masters, tally = MasterWeights(model), Tally()
    loss = PolicyLoss(loss=LossConfig(), kl=KLConfig(coefficient=0.0))
    optimizer = PolicyOptimizer(policy, masters, OptimizerConfig(**config))
    optimizer.update(TrainingBatch(tuple(rows), 0), StepTerms(loss, needs_pass, 1e-9, 6, 0, of_sampler), tally)
    return tally.values()


def test_completions_that_nobody_learns_from_count_by_one_of_each_prompt(model):
    rows = [*ROWS[:4], *map(_flat, ROWS[4:])]
    found = _measure(model, rows)
    alone = [_measure(model, [row], needs_pass=lambda row: True) for row in (*ROWS[:4], ROWS[4], ROWS[8])]
    weights = torch.tensor([1.0, 1.0, 1.0, 1.0, 4.0, 4.0], dtype=torch.float64)
    tokens = weights * torch.tensor([len(row.completion_ids) for row in (*ROWS[:4], ROWS[4], ROWS[8])])
    for name in NAMES[:4]:
        share = weights if name == "kl_sequence" else tokens
        values = torch.tensor([values[name] for values in alone], dtype=torch.float64)
        assert found[name] == pytest.approx(float((share * values).sum() / share.sum()), rel=1e-5), name
    assert found["rows_spared"] == 8


def test_a_batch_that_teaches_nothing_still_tells_how_far_the_policy_is(model):
    found = _measure(model, map(_flat, ROWS))
    one_each = _measure(model, [ROWS[0], ROWS[4], ROWS[8]], needs_pass=lambda row: True)
    assert found["rows_spared"] == len(ROWS) and "entropy" not in found
    for name in NAMES:
        assert found[name] == pytest.approx(one_each[name], rel=1e-5), name


def test_several_minibatches_measure_all_completions_as_one_does(model):
    whole = _measure(model, ROWS)
    parts = _measure(model, ROWS, minibatches=3)
    assert parts["optimizer_steps"] == 3
    for name in NAMES:
        assert parts[name] == pytest.approx(whole[name], rel=1e-5), name
    # Without a pass of the trainer's own over the later rows nothing is known of them.
    first_only = _measure(model, ROWS, minibatches=3, of_sampler=True)
    assert first_only["kl_sequence"] != pytest.approx(whole["kl_sequence"], rel=1e-3)


def test_nobody_stands_for_completions_of_another_policy_or_without_a_reference():
    flat = [_flat(row) for row in ROWS]
    assert choose_witnesses(flat, _learns) == {0: 4.0, 4: 4.0, 8: 4.0}
    carried = [replace(row, old_log_probs=row.sampler_log_probs) for row in flat[:5]]
    blind = [replace(row, reference_log_probs=None) for row in flat[8:]]
    assert choose_witnesses([*carried, *flat[5:8], *blind], _learns) == {5: 3.0}
    assert choose_witnesses(ROWS, _learns) == {}
