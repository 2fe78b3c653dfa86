import math
from dataclasses import replace

import pytest
import torch

from rewardmodel.network import RewardNetwork
from rewardmodel.runtime.backbones import load_backbone
from rewardmodel.runtime.faults import Diverged, Interrupted
from rewardmodel.runtime.master_weights import MasterWeights
from rltrainer import kept_passes
from rltrainer.config_learning import OptimizerConfig
from rltrainer.critic import Critic, CriticTerms
from rltrainer.memory import MicroBatchBudget
from rltrainer.optimization import build_adamw
from rltrainer.records import TrainingBatch, TrainingRow
from rltrainer.tally import Tally
from rltrainer.weight_stepper import WeightStepper

PAIRS = [((5, 6, 7), (8, 9)), ((5, 6, 7), (10, 11, 12)), ((4, 4), (3,)), ((9, 9, 9, 9), (1, 2, 3, 4, 5))]
TERMS = CriticTerms(learning_rate=1e-3, seed=3, warming_up=False)


def _critic(base, *, tokens=400, passes=1, minibatches=1, clip=None, seed=7, **settings):
    network = RewardNetwork(load_backbone(base), seed=seed).requires_grad_(True)
    config, masters = OptimizerConfig(**settings), MasterWeights(network)
    adamw, budget = build_adamw(masters.parameters, config), MicroBatchBudget(tokens)
    return Critic(
        network.backbone,
        network.head,
        WeightStepper(masters, adamw, config, budget=budget),
        passes=passes,
        minibatches=minibatches,
        clip=clip,
        rate_factor=10.0,
        shared=False,
    )


def _read(critic, ids):
    """The value that the head reads off the last of these tokens."""
    hidden = critic.body(input_ids=torch.tensor([ids])).last_hidden_state
    return critic.head(hidden[0, -1])


def _named(critic):
    return [(f"{part}.{name}", p) for part in ("body", "head") for name, p in getattr(critic, part).named_parameters()]


def _batch(critic, pairs=PAIRS, wish=2.0):
    """Rows whose tokens all lead to `wish`."""
    rows = [
        TrainingRow(
            prompt, answer, (0.0,) * len(answer), (0.0,) * len(answer), values=values, returns=(wish,) * len(answer)
        )
        for (prompt, answer), values in zip(pairs, critic.values(pairs), strict=True)
    ]
    return TrainingBatch(tuple(rows), 0)


def _weights(critic):
    return {name: tensor.clone() for name, tensor in critic.pack()[0].items()}


def _gradients(critic, batch):
    """What one step would go along."""
    found = {}
    critic.stepper._move = lambda rate: found.update({name: p.grad.clone() for name, p in _named(critic)})
    critic.update(batch, TERMS, Tally())
    return found


def test_a_value_is_the_reward_head_read_where_its_token_is_foretold(base):
    critic = _critic(base)
    found = critic.values(PAIRS)
    for (prompt, answer), values in zip(PAIRS, found, strict=True):
        # The network's own reading of each beginning: prompt, prompt + first token, ...
        beginnings = [[*prompt, *answer[:count]] for count in range(len(answer))]
        expected = [_read(critic, ids).item() for ids in beginnings]
        assert values == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("tokens", [16, 40])
def test_micro_batches_change_neither_values_nor_gradients(base, tokens):
    whole, parts = _critic(base), _critic(base, tokens=tokens)
    assert whole.values(PAIRS) == [pytest.approx(values, abs=1e-6) for values in parts.values(PAIRS)]
    batch = _batch(whole)
    torch.testing.assert_close(_gradients(whole, batch), _gradients(parts, batch), atol=1e-6, rtol=1e-5)


def test_the_gradient_is_that_of_the_mean_over_all_tokens(base):
    critic = _critic(base, max_grad_norm=1e9)
    batch = _batch(critic)
    found = _gradients(critic, batch)
    critic.stepper.masters.clear_gradients()
    losses = []
    for prompt, answer in PAIRS:
        for count in range(len(answer)):
            losses.append((_read(critic, [*prompt, *answer[:count]]) - 2.0).square() / 2)
    torch.cat(losses).mean().backward()
    expected = {name: parameter.grad for name, parameter in _named(critic)}
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-4)


def test_it_learns_what_completions_lead_to(base):
    critic = _critic(base, passes=30, minibatches=2)
    critic.update(_batch(critic), TERMS, tally := Tally())
    assert all(value == pytest.approx(2.0, abs=0.3) for values in critic.values(PAIRS) for value in values)
    measured = tally.values()
    assert measured["value_loss"] > 0
    assert measured["critic_grad_norm"] > 0
    assert "value_clip_fraction" not in measured


def test_a_limit_holds_values_near_those_of_sampling_time(base):
    free, held = _critic(base, passes=30), _critic(base, passes=30, clip=0.1)
    tally = Tally()
    for critic in (free, held):
        critic.update(_batch(critic), TERMS, tally)
    moved = [torch.tensor([v for row in critic.values(PAIRS) for v in row]) for critic in (free, held)]
    assert (moved[0] - 2).abs().mean() < (moved[1] - 2).abs().mean()
    assert 0 < tally.values()["value_clip_fraction"] <= 1


def test_rows_that_do_not_count_teach_nothing(base):
    critic, other = _critic(base), _critic(base)
    batch = _batch(critic)
    uncounted = tuple(replace(row, counted=index != 2) for index, row in enumerate(batch.rows))
    removed = tuple(row for index, row in enumerate(batch.rows) if index != 2)
    critic.update(TrainingBatch(uncounted, 0), TERMS, Tally())
    other.update(TrainingBatch(removed, 0), TERMS, Tally())
    torch.testing.assert_close(_weights(critic), _weights(other), rtol=0, atol=0)


def test_it_goes_on_from_a_checkpoint_as_if_nothing_had_been(base):
    straight, stopped = _critic(base, minibatches=2), _critic(base, minibatches=2)
    batch = _batch(straight)
    for critic in (straight, stopped):
        critic.update(batch, TERMS, Tally())
    resumed = _critic(base, minibatches=2, seed=99)
    resumed.unpack(*stopped.pack())
    for critic in (straight, resumed):
        critic.update(batch, TERMS, Tally())
    assert all(torch.equal(tensor, _weights(resumed)[name]) for name, tensor in _weights(straight).items())


def test_a_gradient_that_is_no_number_moves_nothing_and_ends_the_run_at_last(base):
    critic = _critic(base, max_skipped_steps=1)
    before = _weights(critic)
    broken = _batch(critic, wish=math.inf)
    critic.update(broken, TERMS, tally := Tally())
    assert tally.values()["critic_skipped_steps"] == 1
    torch.testing.assert_close(_weights(critic), before, rtol=0, atol=0)
    with pytest.raises(Diverged, match="2 times in a row"):
        critic.update(broken, TERMS, Tally())


def test_a_stop_leaves_no_trace_and_comes_only_while_the_policy_stays(base):
    critic = _critic(base, tokens=16)
    batch, before = _batch(critic), _weights(critic)
    looks = iter([None, Interrupted("enough")])

    def check():
        if (wish := next(looks)) is not None:
            raise wish

    critic.check = check
    with pytest.raises(Interrupted):
        critic.update(batch, replace(TERMS, warming_up=True), Tally())
    assert all(parameter.grad is None for _, parameter in _named(critic))
    torch.testing.assert_close(_weights(critic), before, rtol=0, atol=0)
    critic.update(batch, TERMS, Tally())
    assert any(not torch.equal(tensor, before[name]) for name, tensor in _weights(critic).items())


def test_without_memory_it_goes_on_in_smaller_parts(base, monkeypatch):
    critic, plain = _critic(base), _critic(base)
    batch, foretell = _batch(plain), critic._foretell

    def short_of_memory(clusters):
        if sum(cluster.tokens for cluster in clusters) > 12:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes")
        return foretell(clusters)

    monkeypatch.setattr(critic, "_foretell", short_of_memory)
    critic.update(batch, TERMS, tally := Tally())
    plain.update(batch, TERMS, expected := Tally())
    assert critic.stepper.budget.tokens < 400
    assert tally.values() == pytest.approx(expected.values(), rel=1e-4)


def test_without_memory_values_come_from_smaller_parts_once_no_pass_is_kept(base, monkeypatch):
    critic, plain = _critic(base), _critic(base)
    pairs = [((5, 6), tuple(range(10, 16))), ((5, 6), tuple(range(20, 23))), ((7,), (8, 9))]
    foretell, kept = critic._foretell, []

    def short_of_memory(clusters):
        kept.append(critic._kept is not None)
        if kept[-1] or sum(cluster.tokens for cluster in clusters) > 12:
            raise torch.OutOfMemoryError("no room")
        return foretell(clusters)

    monkeypatch.setattr(critic, "_foretell", short_of_memory)
    found, expected = critic.values(pairs), plain.values(pairs)
    assert kept[:2] == [True, False]
    assert critic.stepper.budget.tokens < plain.stepper.budget.tokens
    for own, other in zip(found, expected, strict=True):
        assert own == pytest.approx(other, abs=1e-5)


def _count_passes(critic, monkeypatch):
    foretell, passes = critic._foretell, []
    monkeypatch.setattr(critic, "_foretell", lambda clusters: passes.append(1) or foretell(clusters))
    return passes


def test_passes_that_gave_the_values_are_learned_from_without_running_them_again(base, monkeypatch):
    critic, again = _critic(base, tokens=16), _critic(base, tokens=16)
    batch = _batch(critic)
    passes = _count_passes(critic, monkeypatch)
    torch.testing.assert_close(_gradients(critic, batch), _gradients(again, batch), rtol=0, atol=0)
    assert not passes
    critic.update(batch, TERMS, Tally())
    assert len(passes) == len(critic._plan(PAIRS))


@pytest.mark.parametrize("given", [{"minibatches": 2}, {}])
def test_other_rows_than_those_with_values_are_run_again(base, monkeypatch, given):
    critic = _critic(base, **given)
    batch = _batch(critic)
    passes = _count_passes(critic, monkeypatch)
    critic.update(replace(batch, rows=batch.rows[:3]), TERMS, Tally())
    assert passes


def test_passes_are_kept_only_where_memory_allows(base, monkeypatch):
    monkeypatch.setattr(kept_passes, "free_bytes", lambda device: 2000)
    critic = _critic(base)
    expected = _critic(base).values(PAIRS)
    assert critic.values(PAIRS) == expected
    assert critic._kept is None


def test_values_of_a_checkpoint_come_from_its_own_weights(base):
    critic, other = _critic(base, seed=1), _critic(base, seed=2)
    batch = _batch(critic)
    critic.unpack(*other.pack())
    torch.testing.assert_close(_gradients(critic, batch), _gradients(other, batch), rtol=0, atol=0)
