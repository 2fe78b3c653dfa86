import copy

import pytest
import torch

from rltrainer.architecture import output_head
from rltrainer.llama import decoding, kept_tokens
from rltrainer.llama.body import find_body
from rltrainer.llama.decoding import LlamaDecoder, prepare_decoding
from rltrainer.rollouts import decoder as decoder_module
from rltrainer.rollouts.batched_sampler import BatchedSampler
from rltrainer.rollouts.decoder import TransformersDecoder, open_decoders
from rltrainer.rollouts.engine import SamplingRequest, SamplingRules

REQUESTS = [
    SamplingRequest((5, 6, 7), (1, 2)),
    SamplingRequest(tuple(range(20, 40)), (3,)),
    SamplingRequest((9,), (4,)),
]
# Behind what a chat template puts before every question.
ALIKE = [
    SamplingRequest((*range(100, 112), *own), seeds) for own, seeds in (((5, 6), (1, 2)), ((7,), (3,)), ((8,), (4,)))
]


@pytest.mark.parametrize("requests", [REQUESTS, ALIKE], ids=["apart", "alike"])
@pytest.mark.parametrize("prefill", [1, 4096])
def test_logits_are_those_of_transformers_at_every_token(model, monkeypatch, prefill, requests):
    monkeypatch.setattr(kept_tokens, "GROWTH_TOKENS", 3)
    monkeypatch.setattr(decoding, "PREFILL_TOKENS", prefill)
    theirs = TransformersDecoder(model, requests, 12)
    with torch.inference_mode(), open_decoders(model, rows=4) as start:
        ours = start(requests, 12)
        assert isinstance(ours, LlamaDecoder)
        for step in range(11):
            torch.testing.assert_close(ours.logits, theirs.logits, atol=2e-5, rtol=1e-4)
            tokens = torch.arange(len(ours.logits)) + 3 * step
            if step == 5:
                kept = torch.tensor([0, 2, 3])
                ours.select_rows(kept)
                theirs.select_rows(kept)
                tokens = tokens[kept]
            ours.advance(tokens)
            theirs.advance(tokens)


def test_prepared_anew_it_has_the_new_weights(model):
    body = find_body(model)
    first = prepare_decoding(body, output_head(model), rows=4)
    with torch.inference_mode():
        before = LlamaDecoder(body, first, [((5, 6), 1)], room=2).logits.clone()
        model.get_output_embeddings().weight.mul_(2.0)
        after = LlamaDecoder(body, prepare_decoding(body, output_head(model), rows=4), [((5, 6), 1)], room=2).logits
    assert not torch.equal(before, after)


def test_no_token_is_put_where_there_is_no_room(model):
    body = find_body(model)
    for network in (body, find_body(copy.deepcopy(model).to(torch.bfloat16))):
        token_pass = prepare_decoding(network, output_head(model), rows=2)
        with torch.inference_mode():
            decoder = LlamaDecoder(network, token_pass, [((5, 6), 2)], room=1)
            decoder.advance(torch.tensor([7, 8]))
            with pytest.raises(ValueError, match="room for 1 new tokens, and all of it is taken"):
                decoder.advance(torch.tensor([7, 8]))


def test_both_decoders_sample_the_same_completions(model, monkeypatch):
    rules = SamplingRules(12, frozenset({3, 17}), 0.8)
    ours = BatchedSampler(model, batch_rows=3).sample(REQUESTS, rules)
    monkeypatch.setattr(decoder_module, "find_body", lambda model: None)
    theirs = BatchedSampler(model, batch_rows=3).sample(REQUESTS, rules)
    assert [[own.token_ids for own in group] for group in ours] == [[own.token_ids for own in g] for g in theirs]
