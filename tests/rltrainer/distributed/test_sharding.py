"""A network spread over two processes computes, learns and is saved as the whole one."""

import logging

import pytest
import torch
from torch import nn

from rewardmodel.runtime.backbones import load_causal_model
from rewardmodel.runtime.training_state import pack_optimizer, unpack_optimizer
from rltrainer.llama.body import find_body
from rltrainer.policy import Policy
from rltrainer.rollouts.batched_sampler import BatchedSampler
from rltrainer.rollouts.engine import SamplingRequest, SamplingRules
from rltrainer.sharding import ShardedWeights, gather_tensors, share_optimizer
from tests.rltrainer.distributed.processes import on_ranks

PAIRS = [((1, 2, 3), (4, 5, 6, 7)), ((1, 2, 3), (9, 9)), ((5, 2), (8, 7, 6)), ((5, 2), (4, 3, 2))]


def _network(base):
    return load_causal_model(base).requires_grad_(True)


def _adamw(parameters):
    # A large epsilon: otherwise Adam makes whole steps of the rounding in gradients near 0.
    return torch.optim.AdamW(parameters, lr=1e-2, eps=1e-2, fused=True)


def _policy(network):
    return Policy(network, temperature=0.7, micro_batch_tokens=10_000)


def _step(weights, adamw, pairs):
    """One step on the sum of log-probs; gives the gradient's norm before clipping."""
    policy = _policy(weights.network)

    def score():
        scores = policy.score(policy.plan(pairs)[0])
        return scores.log_probs, scores.entropy

    log_probs, entropy = weights.run(score)
    (log_probs.sum() + 0.1 * entropy.sum()).backward()
    norm = nn.utils.clip_grad_norm_(weights.parameters, 1.0, foreach=True)
    adamw.step()
    weights.clear_gradients()
    return float(norm.full_tensor() if hasattr(norm, "full_tensor") else norm)


def _train_sharded(ranks, base, dtype, saved=None):
    weights = ShardedWeights(_network(base), ranks, compute_dtype=dtype)
    adamw = _adamw(weights.parameters)
    if saved is not None:
        weights.unpack(saved[0])
        unpack_optimizer(adamw, share_optimizer(saved[1], adamw), saved[2])
    norms = [_step(weights, adamw, ranks.share(PAIRS))]
    tensors, settings = pack_optimizer(adamw)
    return norms, weights.pack(), gather_tensors(tensors, ranks), settings


class _Whole:
    def __init__(self, network):
        self.network, self.parameters = network, list(network.parameters())

    def run(self, work):
        return work()

    def clear_gradients(self):
        self.network.zero_grad(set_to_none=True)


def _train_whole(base, steps):
    weights = _Whole(_network(base))
    adamw = _adamw(weights.parameters)
    norms = [_step(weights, adamw, PAIRS) for _ in range(steps)]
    return norms, {name: parameter.detach() for name, parameter in weights.network.named_parameters()}


class _Kept(logging.Handler):
    def __init__(self):
        super().__init__(logging.INFO)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


def _hear_why(ranks, base):
    kept, log = _Kept(), logging.getLogger("rltrainer.llama.body")
    log.addHandler(kept)
    log.setLevel(logging.INFO)
    weights = ShardedWeights(_network(base), ranks, compute_dtype=torch.float32)
    bodies = [find_body(weights.network) for _ in range(2)]
    return bodies, kept.lines


def test_why_our_own_layers_do_not_run_it_is_told_once(base):
    for bodies, lines in on_ranks(2, _hear_why, base):
        assert bodies == [None, None]
        assert len(lines) == 1 and "is spread over several processes" in lines[0]


def test_a_step_and_its_continuation_equal_those_of_one_process(base):
    norms, expected = _train_whole(base, 2)
    (first, weights, state, settings), (_, nothing, no_state, _) = on_ranks(2, _train_sharded, base, torch.float32)
    assert (nothing, no_state) == ({}, {})
    assert weights.keys() == expected.keys()
    again = on_ranks(2, _train_sharded, base, torch.float32, (weights, state, settings))[0]
    assert [*first, *again[0]] == pytest.approx(norms, rel=1e-5)
    for name, tensor in again[1].items():
        torch.testing.assert_close(tensor, expected[name], rtol=0, atol=1e-6)


def test_bfloat16_passes_keep_float32_weights(base):
    (norms, weights, _, _), _ = on_ranks(2, _train_sharded, base, torch.bfloat16)
    exact, _ = _train_whole(base, 1)
    assert norms == pytest.approx(exact, rel=2e-2)
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}


def _sample_whole(ranks, base):
    """The ranks decode different lengths, train a step, and decode again."""
    weights = ShardedWeights(_network(base), ranks, compute_dtype=torch.float32)
    adamw = _adamw(weights.parameters)
    rules = SamplingRules(4 + 5 * ranks.index, frozenset())
    request = SamplingRequest((1, 2, 3), tuple(range(2 + ranks.index)))
    found = []
    for _ in range(2):
        with weights.whole():
            found += BatchedSampler(weights.network, batch_rows=8).sample([request], rules)
        _step(weights, adamw, ranks.share(PAIRS))
    return found


def test_ranks_sample_by_themselves(base):
    network = _Whole(_network(base))
    adamw, expected = _adamw(network.parameters), []
    for _ in range(2):
        rules = SamplingRules(9, frozenset())
        expected += BatchedSampler(network.network, batch_rows=8).sample([SamplingRequest((1, 2, 3), (0, 1, 2))], rules)
        _step(network, adamw, PAIRS)
    short, long = on_ranks(2, _sample_whole, base)
    assert [[c.token_ids for c in group] for group in long] == [[c.token_ids for c in group] for group in expected]
    assert [[c.token_ids for c in g] for g in short] == [[c.token_ids[:4] for c in g[:2]] for g in expected]
