from contextlib import contextmanager

import pytest
import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

from rltrainer.rollouts import batched_sampler, graphed_decoder
from rltrainer.rollouts.batched_sampler import BatchedSampler
from rltrainer.rollouts.engine import SamplingRequest, SamplingRules
from rltrainer.rollouts.graphed_decoder import GraphedDecoder, can_record

REQUESTS = [
    SamplingRequest(ids, tuple(range(number * 10, number * 10 + 4)))
    for number, ids in enumerate([(5, 6, 7), (8, 9, 10, 11, 12, 13), (14,)])
]


@pytest.fixture(params=["llama", "qwen3"])
def network(request: pytest.FixtureRequest, model):
    if request.param == "llama":
        return model
    config = Qwen3Config(
        vocab_size=261,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=1024,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Qwen3ForCausalLM(config).eval()


class Recorder:
    """Records nothing, but sees what would be recorded: a step must do the same each time it is run."""

    def __init__(self) -> None:
        self.recorded = 0

    def __call__(self, step):
        self.recorded += 1
        return step


def _sample(network, monkeypatch, start=None, **rules):
    if start is not None:
        monkeypatch.setattr(batched_sampler, "open_decoders", _opener(start))
    sampler = BatchedSampler(network, batch_rows=12)
    return sampler.sample(REQUESTS, SamplingRules(rules.pop("max_new_tokens", 40), rules.pop("stop_ids", frozenset())))


def _opener(start):
    @contextmanager
    def open_decoders(model, *, rows):
        yield lambda requests, room: start(model, requests, room)

    return open_decoders


@pytest.mark.parametrize("stops", [frozenset(), frozenset(token for token in range(261) if token % 8 == 0)])
def test_it_samples_what_the_plain_decoders_sample(network, monkeypatch, stops):
    # With stops, rows retire again and again, and the step is recorded anew for those that are left.
    plain = _sample(network, monkeypatch, stop_ids=stops)
    recorder = Recorder()
    graphed = _sample(network, monkeypatch, lambda *given: GraphedDecoder(*given, record=recorder), stop_ids=stops)
    for own, other in zip(graphed, plain, strict=True):
        for one, two in zip(own, other, strict=True):
            assert one.token_ids == two.token_ids
            assert one.log_probs == pytest.approx(two.log_probs, abs=1e-5)
    assert recorder.recorded > (1 if stops else 0)


def test_a_step_is_recorded_once_for_every_size_of_the_buffers(network, monkeypatch):
    monkeypatch.setattr(graphed_decoder, "GROWTH_TOKENS", 64)
    recorder = Recorder()
    plain = _sample(network, monkeypatch, max_new_tokens=300)
    graphed = _sample(network, monkeypatch, lambda *given: GraphedDecoder(*given, record=recorder), max_new_tokens=300)
    assert [one.token_ids for own in graphed for one in own] == [one.token_ids for own in plain for one in own]
    # From 6 tokens on, buffers end at 128, 192, 320 (of 306): their sizes and not the 300 tokens decide.
    assert recorder.recorded == 3


def test_nothing_is_recorded_without_a_gpu(model):
    assert not can_record(model)
