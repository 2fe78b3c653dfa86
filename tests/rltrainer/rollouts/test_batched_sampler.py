from contextlib import contextmanager

import pytest
import torch

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.faults import Diverged
from rltrainer.rollouts import batched_sampler
from rltrainer.rollouts.batched_sampler import BatchedSampler
from rltrainer.rollouts.engine import SamplingRequest, SamplingRules

PROMPTS = [(5, 6, 7), (8, 9, 10, 11, 12, 13), (14,)]


def _sample(model, *, batch_rows=12, stop_ids=frozenset(), max_new_tokens=10, per_prompt=4, **rules):
    requests = [
        SamplingRequest(ids, tuple(range(number * 10, number * 10 + per_prompt))) for number, ids in enumerate(PROMPTS)
    ]
    return BatchedSampler(model, batch_rows=batch_rows).sample(
        requests, SamplingRules(max_new_tokens, stop_ids, **rules)
    )


def test_greedy_choice_equals_transformers_generate(model):
    for ids, (own,) in zip(PROMPTS, _sample(model, per_prompt=1, temperature=0.0), strict=True):
        expected = model.generate(
            torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids), dtype=torch.long),
            max_new_tokens=10,
            do_sample=False,
            eos_token_id=None,
            pad_token_id=0,
        )
        assert own.token_ids == tuple(expected[0, len(ids) :].tolist())


def test_a_completion_depends_on_its_seed_and_not_on_its_company(model):
    together = _sample(model, batch_rows=12)
    for other in (_sample(model, batch_rows=1), _sample(model, batch_rows=5)):
        for group, alone in zip(together, other, strict=True):
            assert [own.token_ids for own in group] == [own.token_ids for own in alone]
            assert [own.seed for own in group] == [own.seed for own in alone]


def test_sampled_tokens_follow_the_distribution(model):
    # 4000 first tokens against the network's own probabilities; chi-square with few expected counts pooled away.
    request = SamplingRequest((5, 6, 7), tuple(range(4000)))
    (answers,) = BatchedSampler(model, batch_rows=4000).sample([request], SamplingRules(1, frozenset(), 1.0))
    probabilities = model(torch.tensor([[5, 6, 7]])).logits[0, -1].detach().double().softmax(0)
    counts = torch.bincount(torch.tensor([own.token_ids[0] for own in answers]), minlength=len(probabilities))
    expected = probabilities * 4000
    statistic = ((counts - expected) ** 2 / expected).sum().item()
    freedom = len(probabilities) - 1
    assert abs(statistic - freedom) < 5 * (2 * freedom) ** 0.5


def test_every_stop_id_ends_a_completion_and_stays_in_it(model):
    free = _sample(model)
    stops = frozenset({free[0][0].token_ids[3], free[1][2].token_ids[5]})
    for group, unstopped in zip(_sample(model, stop_ids=stops), free, strict=True):
        for own, whole in zip(group, unstopped, strict=True):
            places = [place for place, token in enumerate(whole.token_ids) if token in stops]
            end = places[0] + 1 if places else 10
            assert own.token_ids == whole.token_ids[:end]
            assert own.log_probs == pytest.approx(whole.log_probs[:end], abs=1e-5)
            assert own.finish_reason == ("stop" if places else "length")


def test_retired_rows_leave_the_others_as_they_were(model):
    # Seven of eight tokens stop, so rows retire at almost every step and the cache is cut again and again.
    vocabulary = model.config.vocab_size
    stops = frozenset(token for token in range(vocabulary) if token % 8)
    free, cut = _sample(model, max_new_tokens=20), _sample(model, max_new_tokens=20, stop_ids=stops)
    for group, whole in zip(cut, free, strict=True):
        for own, other in zip(group, whole, strict=True):
            assert own.token_ids == other.token_ids[: len(own.token_ids)]


def test_nucleus_of_nothing_is_greedy(model):
    greedy = _sample(model, temperature=0.0)
    narrow = _sample(model, top_p=1e-6)
    assert [own.token_ids for g in narrow for own in g] == [own.token_ids for g in greedy for own in g]


def test_too_long_a_run_is_refused(model):
    with pytest.raises(ConfigError, match="positions"):
        _sample(model, max_new_tokens=1020)


def test_logits_that_are_no_numbers_end_the_run(model):
    with torch.no_grad():
        model.get_output_embeddings().weight[0] = float("nan")
    with pytest.raises(Diverged, match="not finite"):
        _sample(model)


def test_without_memory_fewer_completions_are_decoded_at_once(model, monkeypatch, caplog):
    expected = _sample(model)
    opened = batched_sampler.open_decoders

    @contextmanager
    def short_of_memory(network, *, rows):
        if rows > 2:
            raise torch.OutOfMemoryError("no room")
        with opened(network, rows=rows) as start:
            yield start

    monkeypatch.setattr(batched_sampler, "open_decoders", short_of_memory)
    for own, whole in zip(_sample(model), expected, strict=True):
        assert [each.token_ids for each in own] == [each.token_ids for each in whole]
    assert "out of memory: from now on at most 1 are decoded at once" in caplog.text


def test_where_no_completion_fits_the_sampling_ends(model, monkeypatch):
    @contextmanager
    def without_memory(network, *, rows):
        raise MemoryError
        yield rows

    monkeypatch.setattr(batched_sampler, "open_decoders", without_memory)
    with pytest.raises(Diverged, match="out of memory even with one completion at a time"):
        _sample(model)
