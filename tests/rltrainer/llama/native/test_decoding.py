import copy

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from rewardmodel.runtime.faults import Diverged
from rltrainer.llama import kept_tokens
from rltrainer.llama.body import find_body
from rltrainer.llama.decoding import LlamaDecoder, prepare_decoding
from rltrainer.llama.kept_tokens import KeptTokens
from rltrainer.llama.native.decoding import NativeDecoding, prepare_native
from rltrainer.llama.native.library import find_library
from rltrainer.llama.plain_decoding import PlainDecoding
from rltrainer.rollouts.batched_sampler import BatchedSampler
from rltrainer.rollouts.decoder import TransformersDecoder
from rltrainer.rollouts.engine import SamplingRequest, SamplingRules

needs_kernels = pytest.mark.skipif(
    find_library() is None, reason="no C compiler is here, or a processor without products of bfloat16"
)
REQUESTS = [
    SamplingRequest((5, 6, 7), (1, 2)),
    SamplingRequest(tuple(range(8, 28)), (3,)),
    SamplingRequest((9,), tuple(range(4, 20))),
]
SIZES = {"vocab_size": 37, "num_hidden_layers": 3, "initializer_range": 0.3, "pad_token_id": None}


def _tiny(kind, config_kind, **shape):
    """A network whose weights, and biases where it has any, are all far from 0 and are numbers of bfloat16."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = kind(config_kind(**SIZES, **shape)).eval()
        for name, parameter in network.named_parameters():
            if "bias" in name or "norm" in name:
                torch.nn.init.normal_(parameter, mean=float("norm" in name), std=0.3)
    return network.to(torch.bfloat16).float()


def _without_some_biases():
    network = _tiny(
        LlamaForCausalLM,
        LlamaConfig,
        hidden_size=64,
        intermediate_size=64,
        num_attention_heads=4,
        num_key_value_heads=4,
        attention_bias=True,
        mlp_bias=True,
        tie_word_embeddings=True,
    )
    for layer in network.model.layers[1:]:
        layer.self_attn.k_proj.bias = layer.mlp.gate_proj.bias = None
    return network


NETWORKS = {
    "grouped": lambda: _tiny(
        LlamaForCausalLM,
        LlamaConfig,
        hidden_size=48,
        intermediate_size=80,
        num_attention_heads=6,
        num_key_value_heads=2,
        head_dim=8,
    ),
    "biases": _without_some_biases,
    "odd heads": lambda: _tiny(
        LlamaForCausalLM,
        LlamaConfig,
        hidden_size=32,
        intermediate_size=48,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=24,
    ),
    "wide heads": lambda: _tiny(
        Qwen2ForCausalLM,
        Qwen2Config,
        hidden_size=96,
        intermediate_size=160,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=80,
    ),
}


@pytest.fixture(params=list(NETWORKS))
def wide(request):
    """A network in float32 whose weights are numbers of bfloat16."""
    return NETWORKS[request.param]()


def _halve(wide):
    return copy.deepcopy(wide).to(torch.bfloat16)


def _decode(model, requests=REQUESTS, *, steps=14, keep=None):
    """Logits at every token of our decoder with its kernels."""
    body = find_body(model)
    token_pass = prepare_native(body, model.get_output_embeddings())
    assert isinstance(token_pass, NativeDecoding)
    decoder = LlamaDecoder(body, token_pass, [(each.prompt_ids, len(each.seeds)) for each in requests], room=steps)
    return _advance(decoder, steps, keep)


def _advance(decoder, steps=14, keep=None):
    found = [decoder.logits.float()]
    rows = torch.arange(len(decoder.logits))
    for step in range(steps):
        if step == 5 and keep is not None:
            rows = rows[keep]
            decoder.select_rows(torch.tensor(keep))
        # What a row reads depends on the row alone, wherever it stands.
        decoder.advance((rows * 5 + 3 * step) % SIZES["vocab_size"])
        found.append(decoder.logits.float())
    return found


@needs_kernels
@torch.inference_mode()
@pytest.mark.parametrize("rows", [1, 3, 16, 19])
def test_a_token_is_what_the_same_roundings_make_of_it(wide, rows):
    body, head = find_body(_halve(wide)), wide.get_output_embeddings()
    generator = torch.Generator().manual_seed(rows)
    lengths = torch.randint(1, 9, (rows,), generator=generator).tolist()
    kept = KeptTokens(body.weights, torch.bfloat16, lengths, room=20)
    kept.length += 7
    for buffer in (*kept.keys, *kept.values):
        buffer.copy_(torch.randn(buffer.shape, generator=generator))
        # What is no key of a row, before its completion or after it, is never read.
        for row, own in enumerate(lengths):
            buffer[row, :, own : kept.longest] = buffer[row, :, kept.length :] = float("nan")
    states = 3 * torch.randn(rows, body.weights.embeddings.shape[1], generator=generator)
    turn = body.turn(kept.positions)
    expected, keys, values = _advance_by_hand(find_body(wide), head, states, turn, kept)
    found = prepare_native(body, head).advance(states, turn, kept)
    assert (found - expected).norm() < 3e-3 * expected.norm()
    for buffers, new in ((kept.keys, keys), (kept.values, values)):
        for buffer, own in zip(buffers, new, strict=True):
            torch.testing.assert_close(buffer[:, :, kept.length].double(), own, rtol=0.02, atol=0.02)
            assert buffer[:, :, kept.length + 1 :].isnan().all()


def _advance_by_hand(body, head, states, turn, kept):
    """Logits of the next token in float64, rounded where the kernels do, and each layer's new keys and values."""
    weights, states = body.weights, states.double()
    heads, key_heads, width = weights.heads, weights.key_heads, weights.head_width
    cosine, sine = (each.double() for each in turn)
    keys, values = [], []

    def normalize(norm):
        inverse = (states.square().mean(dim=1, keepdim=True) + norm.epsilon).rsqrt()
        return _round(states * inverse * norm.weight.double())

    def rotate(each):
        first, second = each.chunk(2, dim=-1)
        return _round(torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1))

    for number, layer in enumerate(weights.layers):
        normed = normalize(layer.attention_norm)
        query, key, value = (
            _apply(linear, normed).unflatten(1, (-1, width)) for linear in (layer.query, layer.key, layer.value)
        )
        query, key, value = rotate(query), rotate(key), _round(value)
        keys.append(key)
        values.append(value)
        mixed = torch.empty_like(query)
        for row, own in enumerate(kept.prompts.tolist()):
            counting = [*range(own), *range(kept.longest, kept.length)]
            past, seen = (each[number][row, :, counting].double() for each in (kept.keys, kept.values))
            past, seen = (
                torch.cat([old, new[row][:, None]], dim=1).repeat_interleave(heads // key_heads, dim=0)
                for old, new in ((past, key), (seen, value))
            )
            scores = torch.einsum("hd,hkd->hk", query[row], past) * width**-0.5
            mixed[row] = torch.einsum("hk,hkd->hd", scores.softmax(dim=-1), seen)
        states = states + _apply(layer.output, _round(mixed.flatten(1)))
        normed = normalize(layer.mlp_norm)
        opened = torch.nn.functional.silu(_apply(layer.gate, normed)) * _apply(layer.up, normed)
        states = states + _apply(layer.down, _round(opened))
    return _apply(head, normalize(weights.norm)).float(), keys, values


def _apply(linear, states):
    bias = None if linear.bias is None else linear.bias.double()
    return torch.nn.functional.linear(states, linear.weight.double(), bias)


def _round(states):
    return states.to(torch.bfloat16).double()


@needs_kernels
@torch.inference_mode()
def test_logits_are_nearer_to_float32_than_those_of_transformers(wide, monkeypatch):
    monkeypatch.setattr(kept_tokens, "GROWTH_TOKENS", 3)
    keep = [0, 2, 3, 7, 18]
    half = _halve(wide)
    exact = _advance(TransformersDecoder(wide, REQUESTS, 14), keep=keep)
    theirs = _advance(TransformersDecoder(half, REQUESTS, 14), keep=keep)
    ours = _decode(half, keep=keep)
    assert ours[-1].shape == (5, SIZES["vocab_size"])
    assert _distance(ours, exact) < min(_distance(theirs, exact), 0.06)


def _distance(found, exact):
    """Between logits of all tokens, relative to their length."""
    found, exact = (torch.cat([each.flatten() for each in logits]) for logits in (found, exact))
    return (found - exact).norm() / exact.norm()


@needs_kernels
@torch.inference_mode()
def test_a_rows_logits_depend_neither_on_other_rows_nor_on_threads(wide):
    half = _halve(wide)
    together = _decode(half)
    torch.set_num_threads(3)
    for one, other in zip(together, _decode(half), strict=True):
        assert torch.equal(one, other)
    some = [2, 9, 17]
    for one, other in zip(together[6:], _decode(half, keep=some)[6:], strict=True):
        assert torch.equal(one[some], other)


@needs_kernels
@torch.inference_mode()
def test_it_holds_the_weights_of_its_time(wide):
    half = _halve(wide)
    body, head = find_body(half), half.get_output_embeddings()
    old = prepare_native(body, head)
    states = torch.ones(2, body.weights.embeddings.shape[1])
    before = old.foretell(states)
    head.weight.mul_(2.0)
    half.model.norm.weight.add_(1.0)
    assert torch.equal(old.foretell(states), before)
    assert not torch.equal(prepare_native(body, head).foretell(states), before)


@needs_kernels
def test_weights_that_are_no_numbers_end_the_sampling(wide):
    half = _halve(wide)
    find_body(half)
    with torch.no_grad():
        half.model.layers[1].mlp.down_proj.weight[3, 5] = float("nan")
    with pytest.raises(Diverged, match="not finite"):
        BatchedSampler(half, batch_rows=4).sample(REQUESTS, SamplingRules(4, frozenset(), 1.0))


@needs_kernels
def test_scores_that_are_no_numbers_end_the_sampling():
    half = _halve(NETWORKS["grouped"]())
    find_body(half)
    with torch.no_grad():
        half.model.layers[1].self_attn.k_proj.weight[0] = float("inf")
    with pytest.raises(Diverged, match="not finite"):
        BatchedSampler(half, batch_rows=4).sample(REQUESTS, SamplingRules(4, frozenset(), 1.0))


@needs_kernels
@pytest.mark.parametrize(("shape", "fits"), [({}, True), ({"intermediate_size": 72}, False), ({"head_dim": 12}, False)])
def test_widths_that_are_no_whole_blocks_are_left_to_torch(shape, fits):
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2} | shape
    half = _tiny(LlamaForCausalLM, LlamaConfig, **sizes).to(torch.bfloat16)
    found = prepare_decoding(find_body(half), half.get_output_embeddings(), rows=4)
    assert isinstance(found, NativeDecoding if fits else PlainDecoding)


def test_float32_is_left_to_torch(wide):
    assert isinstance(prepare_decoding(find_body(wide), wide.get_output_embeddings(), rows=4), PlainDecoding)


@torch.inference_mode()
def test_without_kernels_torch_decodes_the_same(wide, monkeypatch):
    monkeypatch.setattr("rltrainer.llama.native.decoding.find_library", lambda: None)
    half = _halve(wide)
    body = find_body(half)
    token_pass = prepare_decoding(body, half.get_output_embeddings(), rows=19)
    assert isinstance(token_pass, PlainDecoding)
    decoder = LlamaDecoder(body, token_pass, [(each.prompt_ids, len(each.seeds)) for each in REQUESTS], room=14)
    assert _distance(_advance(decoder), _advance(TransformersDecoder(wide, REQUESTS, 14))) < 0.08
