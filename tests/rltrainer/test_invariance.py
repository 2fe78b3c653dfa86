"""What must not matter to a step: how its rows are portioned, padded and ordered, and which precision computes it."""

from dataclasses import replace

import pytest
import torch

from rewardmodel.records import PromptRecord
from rewardmodel.runtime.backbones import load_causal_model, load_tokenizer
from rewardmodel.runtime.rendering import Renderer
from rltrainer.adapters import add_adapters
from rltrainer.algorithms.algorithm import Evidence
from rltrainer.algorithms.group_relative import GroupRelative
from rltrainer.config_learning import AdvantageConfig, KLConfig, LossConfig
from rltrainer.policy import Policy
from rltrainer.records import Completion, EncodedPrompt, Group
from rltrainer.reference import Reference
from rltrainer.rollouts.batched_sampler import BatchedSampler
from rltrainer.rollouts.engine import SamplingRequest, SamplingRules
from rltrainer.tally import Tally
from tests.rltrainer.gradients import (
    MAX_NEW_TOKENS,
    NO_KL,
    make_rows,
    moved_since_sampling,
    plain_log_probs,
    plain_step,
    relative_error,
    step_gradient,
)
from tests.tiny_model import make_tiny_model

AGGREGATIONS = ("grpo", "token_mean", "dr_grpo")
WITH_KL = KLConfig(coefficient=0.3)


def scores_of(model, pairs, **options):
    return Policy(model, **{"temperature": 1.0, "micro_batch_tokens": 1000, **options}).log_probs(pairs)


def pairs_of(rows):
    return [(row.prompt_ids, row.completion_ids) for row in rows]


@pytest.mark.parametrize("ratio", ["token", "sequence", "sequence_token"])
@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_one_micro_batch_of_eight_equals_eight_of_one(model, aggregation, ratio):
    rows = moved_since_sampling(make_rows(model))
    loss = LossConfig(aggregation=aggregation, ratio=ratio, entropy_coefficient=0.1)
    whole = step_gradient(model, rows, loss=loss, kl=WITH_KL, micro_batch_tokens=10_000)
    single = step_gradient(model, rows, loss=loss, kl=WITH_KL, micro_batch_tokens=1)
    assert float((whole.gradient - single.gradient).abs().max()) < 1e-6
    assert whole.loss == pytest.approx(single.loss, abs=1e-6)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_the_order_of_rows_changes_nothing(model, aggregation):
    rows = moved_since_sampling(make_rows(model))
    loss = LossConfig(aggregation=aggregation)
    straight = step_gradient(model, rows, loss=loss, kl=WITH_KL)
    turned = step_gradient(model, rows[::-1], loss=loss, kl=WITH_KL)
    assert float((straight.gradient - turned.gradient).abs().max()) < 1e-6


@pytest.mark.parametrize("beside", [9, 40, 150])
def test_a_row_is_scored_the_same_beside_a_longer_one(model, beside):
    # In one micro-batch all rows are padded to the longest.
    pair = ((5, 6, 7), (20, 21, 22))
    alone = scores_of(model, [pair])[0]
    together = scores_of(model, [pair, ((9, 9), tuple(range(20, 20 + beside)))])[0]
    assert together == pytest.approx(alone, abs=1e-6)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("extra", [0, 3, 60])
def test_no_side_and_amount_of_padding_gives_other_scores_or_gradients(model, side, extra):
    rows = make_rows(model)
    expected, mask = plain_log_probs(model, rows)
    found = padded_log_probs(model, rows, side=side, extra=extra)
    ours = scores_of(model, pairs_of(rows))
    for own, padded, plain, counted in zip(ours, found, expected, mask, strict=True):
        assert own == pytest.approx(padded.tolist(), abs=1e-5)
        assert own == pytest.approx(plain[counted].tolist(), abs=1e-5)
    weights = [row.advantages[0] for row in rows]
    padded_loss = -sum(weight * own.sum() for weight, own in zip(weights, found, strict=True)) / int(mask.sum())
    padded_gradient = torch.cat([g.flatten() for g in torch.autograd.grad(padded_loss, list(model.parameters()))])
    assert relative_error(step_gradient(model, rows).gradient, padded_gradient) < 1e-5


def padded_log_probs(model, rows, *, side, extra):
    """Each row's log-probs from one batch padded to the longest row and `extra` places more."""
    sequences = [(*row.prompt_ids, *row.completion_ids) for row in rows]
    width = max(map(len, sequences)) + extra
    fill = [(0,) * (width - len(ids)) for ids in sequences]
    joined = zip(fill, sequences, strict=True)
    ids = torch.tensor([[*pad, *own] if side == "left" else [*own, *pad] for pad, own in joined])
    starts = torch.tensor([len(pad) if side == "left" else 0 for pad in fill])[:, None]
    places = torch.arange(width)[None] - starts
    real = (places >= 0) & (places < torch.tensor([len(own) for own in sequences])[:, None])
    logits = model(input_ids=ids, attention_mask=real.long(), position_ids=places.clamp(min=0)).logits
    found = []
    for row, start, own in zip(rows, starts[:, 0].tolist(), logits.log_softmax(-1), strict=True):
        first = start + len(row.prompt_ids) - 1
        chosen = own[first : first + len(row.completion_ids)]
        found.append(chosen.gather(1, torch.tensor(row.completion_ids)[:, None]).squeeze(1))
    return found


@pytest.mark.parametrize("neighbours", [1, 5])
def test_prompts_sampled_beside_others_get_the_same_tokens_and_log_probs(model, neighbours):
    rules = SamplingRules(12, frozenset())
    request = SamplingRequest((5, 6), (1, 2, 3))
    others = [SamplingRequest(tuple(range(20, 30 + 7 * other)), (other,)) for other in range(neighbours)]
    alone = BatchedSampler(model, batch_rows=64).sample([request], rules)[0]
    beside = BatchedSampler(model, batch_rows=64).sample([*others, request], rules)[-1]
    for own, other in zip(alone, beside, strict=True):
        assert own.token_ids == other.token_ids
        assert own.log_probs == pytest.approx(other.log_probs, abs=1e-5)


def test_a_stop_token_that_is_the_pad_token_is_learned_all_the_same(tmp_path):
    gradients, weights = [], None
    for pad_is_eos in (False, True):
        folder = make_tiny_model(tmp_path / str(pad_is_eos), pad_is_eos=pad_is_eos)
        model, tokenizer = load_causal_model(folder), load_tokenizer(folder)
        # A fresh model has zeros for its pad token.
        weights = model.state_dict() if weights is None else weights
        model.load_state_dict(weights)
        stop = tokenizer.eos_token_id
        assert (tokenizer.pad_token_id == stop) is pad_is_eos
        rows = [replace(row, completion_ids=(*row.completion_ids[:-1], stop)) for row in make_rows(model)]
        gradients.append(step_gradient(model, rows).gradient)
        silent = [replace(row, advantages=(*row.advantages[:-1], 0.0)) for row in rows]
        assert relative_error(step_gradient(model, silent).gradient, gradients[-1]) > 0.05
    assert torch.equal(*gradients)


@pytest.mark.parametrize("pad_is_eos", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_answers_end_at_any_stop_token_and_sampler_and_trainer_agree(tmp_path, pad_is_eos, temperature):
    folder = make_tiny_model(tmp_path / "base", pad_is_eos=pad_is_eos)
    model, tokenizer = load_causal_model(folder), load_tokenizer(folder)
    stops = Renderer(tokenizer, model.generation_config).stop_ids
    assert len(stops) == 2
    rules = SamplingRules(120, stops, temperature)
    requests = [SamplingRequest((5, 6, 7), tuple(range(20))), SamplingRequest((9, 8, 7, 6), tuple(range(20, 40)))]
    answers = BatchedSampler(model, batch_rows=64).sample(requests, rules)
    pairs = [
        (request.prompt_ids, own.token_ids) for request, group in zip(requests, answers, strict=True) for own in group
    ]
    found = scores_of(model, pairs, temperature=temperature, micro_batch_tokens=600)
    ends = set()
    for own, scores in zip((own for group in answers for own in group), found, strict=True):
        assert not set(own.token_ids[:-1]) & stops
        assert (own.token_ids[-1] in stops) == (own.finish_reason == "stop")
        assert scores == pytest.approx(own.log_probs, abs=1e-4)
        ends.add(own.token_ids[-1])
    assert ends >= stops


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_a_masked_row_is_a_removed_row(model, aggregation):
    rows = moved_since_sampling(make_rows(model))
    loss = LossConfig(aggregation=aggregation, entropy_coefficient=0.1)
    masked = [replace(row, counted=place not in {1, 6}) for place, row in enumerate(rows)]
    removed = [row for row in masked if row.counted]
    first = step_gradient(model, masked, loss=loss, kl=WITH_KL)
    second = step_gradient(model, removed, loss=loss, kl=WITH_KL)
    assert torch.equal(first.gradient, second.gradient)
    assert first.metrics == second.metrics
    assert relative_error(step_gradient(model, rows, loss=loss, kl=WITH_KL).gradient, first.gradient) > 0.01


@pytest.mark.parametrize("spares_rows", [False, True])
@pytest.mark.parametrize("scale", ["group_std", "none", "loo", "batch"])
def test_groups_without_spread_have_no_gradient_at_all(model, scale, spares_rows):
    # The first group's rewards differ by float noise alone; the second's not at all.
    rewards = ((0.1 + 0.2, 0.3, 0.3, 0.3), (-1.0,) * 4)
    rows = prepared_rows(model, rewards, scale)
    options = {"needs_pass": lambda row: any(row.advantages)} if spares_rows else {}
    step = step_gradient(model, rows, **options)
    assert float(step.gradient.abs().max()) == 0.0


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_sparing_rows_without_advantage_changes_nothing(model, aggregation):
    rows = prepared_rows(model, ((0.5,) * 4, (1.0, 0.0, 2.0, 0.5)), "group_std")
    loss = LossConfig(aggregation=aggregation)
    spared = step_gradient(model, rows, loss=loss, needs_pass=lambda row: any(row.advantages))
    assert spared.metrics["rows_spared"] == 4
    assert float((step_gradient(model, rows, loss=loss).gradient - spared.gradient).abs().max()) < 1e-6


def prepared_rows(model, rewards, scale):
    rows = make_rows(model)
    groups = [
        Group(
            EncodedPrompt(PromptRecord("q", ()), own[0].prompt_ids),
            tuple(Completion(row.completion_ids, row.sampler_log_probs, "stop", seed=0) for row in own),
            ("",) * 4,
            policy_version=0,
            rewards=earned,
        )
        for own, earned in zip((rows[:4], rows[4:]), rewards, strict=True)
    ]
    rule = GroupRelative(advantage=AdvantageConfig(scale=scale), kl=NO_KL, loss=LossConfig())
    return rule.prepare(groups, Evidence(policy_version=0, kl_coefficient=0.0), Tally()).rows


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("surrogate", [{}, {"ratio": "sequence"}, {"ratio": "sequence_token"}, {"surrogate": "cispo"}])
def test_the_first_pass_is_reinforce(model, aggregation, surrogate):
    rows = make_rows(model)
    step = step_gradient(model, rows, loss=LossConfig(aggregation=aggregation, **surrogate))
    assert step.metrics["ratio_min"] == step.metrics["ratio_max"] == 1.0
    log_probs, mask = plain_log_probs(model, rows)
    lengths = mask.sum(1)
    divisors = {
        "grpo": len(rows) * lengths,
        "token_mean": lengths.sum().expand_as(lengths),
        "dr_grpo": torch.full_like(lengths, len(rows) * MAX_NEW_TOKENS),
    }
    if surrogate.get("ratio") == "sequence":
        # Each token carries the mean of its row's gradients: the same where a row's advantages are equal.
        log_probs = (log_probs.sum(1) / lengths)[:, None] * mask
    advantages = torch.tensor([row.advantages[0] for row in rows])
    reinforce = -(advantages[:, None] * log_probs / divisors[aggregation][:, None]).sum()
    gradient = torch.cat([g.flatten() for g in torch.autograd.grad(reinforce, list(model.parameters()))])
    assert relative_error(step.gradient, gradient) < 1e-6


def test_with_its_adapters_off_a_policy_is_its_base(base, model):
    rows = make_rows(model)
    plain = scores_of(load_causal_model(base), pairs_of(rows))
    add_adapters(model, rank=2, alpha=16.0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.05, generator=torch.Generator().manual_seed(0))
    policy = Policy(model, temperature=1.0, micro_batch_tokens=1000)
    assert policy.log_probs(pairs_of(rows)) != plain
    found = Reference(policy, has_adapters=True).log_probs(pairs_of(rows))
    assert found == [pytest.approx(own, abs=1e-6) for own in plain]
    assert policy.log_probs(pairs_of(rows)) != plain


STEPS = {
    "first pass": {},
    "first pass at 0.7": {"temperature": 0.7},
    "price of distance": {"kl": WITH_KL},
    "entropy": {"loss": LossConfig(entropy_coefficient=0.1)},
    "later pass": {"moved": True, "kl": WITH_KL},
    "sequence ratio": {"moved": True, "loss": LossConfig(ratio="sequence", aggregation="grpo")},
}


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
def test_the_gradient_is_that_of_the_plain_float32_path(base, model, name, dtype, tolerance):
    # Shared prompts, chunked head and bfloat16 must not have been bought with error.
    options = dict(STEPS[name])
    moved, temperature = options.pop("moved", False), options.get("temperature", 1.0)
    rows = make_rows(model, temperature=temperature)
    rows = moved_since_sampling(rows) if moved else rows
    expected = plain_step(model, rows, **options)
    found = step_gradient(load_causal_model(base, dtype=dtype), rows, **options)
    assert found.gradient.dtype == torch.float32
    assert relative_error(found.gradient, expected.gradient) < tolerance
    assert found.loss == pytest.approx(expected.loss, abs=tolerance)
