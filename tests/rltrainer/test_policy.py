from pathlib import Path

import pytest
import torch

from rewardmodel.runtime.backbones import load_causal_model, load_tokenizer
from rewardmodel.runtime.faults import Diverged
from rewardmodel.runtime.rendering import Renderer
from rltrainer import chunked_head
from rltrainer import policy as policy_module
from rltrainer.gradients import gradient_of
from rltrainer.layouts import Cluster
from rltrainer.policy import Policy
from rltrainer.rollouts.batched_sampler import BatchedSampler
from rltrainer.rollouts.engine import SamplingRequest, SamplingRules
from tests.tiny_model import make_tiny_model


def _pairs(renderer: Renderer, model, temperature: float = 1.0):
    prompts = [renderer.render([{"role": "user", "content": text}]).token_ids for text in ("hi", "tell me more")]
    rules = SamplingRules(15, renderer.stop_ids, temperature)
    requests = [SamplingRequest(ids, (1, 2, 3, 4)) for ids in prompts]
    answers = BatchedSampler(model, batch_rows=8).sample(requests, rules)
    pairs = [(ids, own.token_ids) for ids, group in zip(prompts, answers, strict=True) for own in group]
    return pairs, [own for group in answers for own in group]


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_trainer_and_sampler_agree(model, renderer, temperature):
    pairs, completions = _pairs(renderer, model, temperature)
    found = Policy(model, temperature=temperature, micro_batch_tokens=200).log_probs(pairs)
    for own, completion in zip(found, completions, strict=True):
        assert own == pytest.approx(completion.log_probs, abs=1e-4)


def test_log_probs_are_those_of_the_whole_network(model, renderer):
    pairs, _ = _pairs(renderer, model)
    found = Policy(model, temperature=0.5, micro_batch_tokens=200).log_probs(pairs)
    for (prompt, answer), own in zip(pairs, found, strict=True):
        logits = model(torch.tensor([[*prompt, *answer]])).logits[0].detach() / 0.5
        expected = logits.log_softmax(1)[range(len(prompt) - 1, len(prompt) + len(answer) - 1), list(answer)]
        assert own == pytest.approx(expected.tolist(), abs=1e-5)


def test_sharing_the_prompt_changes_neither_scores_nor_gradients(model, renderer):
    pairs, _ = _pairs(renderer, model)
    prompt = pairs[0][0]
    answers = tuple(answer for _, answer in pairs[:4])
    shared = [Cluster(prompt, answers, (0, 1, 2, 3))]
    apart = [Cluster(prompt, (answer,), (row,)) for row, answer in enumerate(answers)]
    policy = Policy(model, temperature=1.0, micro_batch_tokens=500)
    found = []
    for clusters in (shared, apart):
        model.zero_grad()
        scores = policy.score(clusters)
        (scores.log_probs * torch.arange(1.0, 5.0)[:, None]).sum().backward()
        found.append((scores.log_probs.detach(), scores.entropy, [p.grad.clone() for p in model.parameters()]))
    torch.testing.assert_close(found[0], found[1], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("pad_is_eos", [False, True])
def test_a_pad_that_is_a_stop_token_keeps_its_log_prob(tmp_path: Path, pad_is_eos):
    folder = make_tiny_model(tmp_path / "base", pad_is_eos=pad_is_eos)
    model, tokenizer = load_causal_model(folder), load_tokenizer(folder)
    stop = tokenizer.eos_token_id
    policy = Policy(model, temperature=1.0, micro_batch_tokens=100)
    short, long = ((5, 6), (7, stop)), ((5, 6), (7, 8, 9, stop))
    together, alone = policy.log_probs([short, long]), [policy.log_probs([pair])[0] for pair in (short, long)]
    assert [len(own) for own in together] == [2, 4]
    for own, other in zip(together, alone, strict=True):
        assert own == pytest.approx(other, abs=1e-5)


def test_where_transformers_runs_the_network_its_head_goes_back_in_the_precision_of_the_states(model, monkeypatch):
    # Spread weights are float32 while the network computes in bfloat16.
    states = torch.randn(3, 32).bfloat16().requires_grad_()
    monkeypatch.setattr(policy_module, "find_body", lambda network: None)
    monkeypatch.setattr(policy_module, "predicting_states", lambda *given, **named: states)
    read, precisions = chunked_head.weights_in, set()
    monkeypatch.setattr(
        chunked_head, "weights_in", lambda weight, dtype, rows: precisions.add(dtype) or read(weight, dtype, rows)
    )
    scores = Policy(model, temperature=1.0, micro_batch_tokens=100).score([Cluster((1, 2), ((3, 4, 5),), (0,))])
    scores.log_probs.sum().backward()
    assert precisions == {torch.bfloat16}


def test_a_step_begins_with_a_gradient_of_zero_in_the_same_memory(model):
    policy = Policy(model.requires_grad_(True), temperature=1.0, micro_batch_tokens=1000)
    weight = model.get_output_embeddings().weight
    places = []
    for _ in range(2):
        policy.take_room()
        assert not bool(weight.grad.any())
        places.append(weight.grad.data_ptr())
        policy.score(policy.plan([((5, 6), (7, 8))])[0]).log_probs.sum().backward()
        assert bool(weight.grad.any())
        weight.grad = None
    assert places[0] == places[1]


def test_a_place_in_which_logits_wait_is_not_taken_for_a_gradient(base):
    model = load_causal_model(base, dtype=torch.bfloat16).requires_grad_(True)
    for parameter in model.parameters():
        parameter.grad_dtype = torch.float32
    policy = Policy(model, temperature=1.0, micro_batch_tokens=1000)
    weight, clusters = model.get_output_embeddings().weight, policy.plan([((5, 6), (7, 8))])[0]
    policy.take_room()
    lost = policy.score(clusters)
    with pytest.raises(RuntimeError, match="has not gone back"):
        gradient_of(weight)
    # As where memory did not suffice: the step begins anew.
    weight.grad = None
    with pytest.raises(RuntimeError, match="is over"):
        lost.log_probs.sum().backward()
    policy.take_room()
    assert not bool(gradient_of(weight).any())
    weight.grad = None
    policy.take_room()
    policy.score(clusters).log_probs.sum().backward()
    assert bool(gradient_of(weight).any())


def test_what_earlier_passes_left_in_a_gradient_stays(model):
    policy = Policy(model.requires_grad_(True), temperature=1.0, micro_batch_tokens=1000)
    weight, clusters = model.get_output_embeddings().weight, policy.plan([((5, 6), (7, 8))])[0]
    policy.score(clusters).log_probs.sum().backward()
    once = weight.grad.clone()
    policy.take_room()
    policy.score(clusters).log_probs.sum().backward()
    torch.testing.assert_close(weight.grad, 2 * once)


def test_frozen_networks_take_no_room(model):
    policy = Policy(model.requires_grad_(False), temperature=1.0, micro_batch_tokens=1000)
    policy.take_room()
    assert model.get_output_embeddings().weight.grad is None


def test_without_memory_log_probs_come_from_smaller_micro_batches(model, monkeypatch):
    pairs = [((5, 6), tuple(range(10, 10 + length))) for length in (9, 4, 12)]
    policy, score = Policy(model, temperature=1.0, micro_batch_tokens=64), Policy.score
    expected = policy.log_probs(pairs)

    def short_of_memory(self, clusters):
        if sum(cluster.tokens for cluster in clusters) > 16:
            raise torch.OutOfMemoryError("no room")
        return score(self, clusters)

    monkeypatch.setattr(Policy, "score", short_of_memory)
    for own, other in zip(policy.log_probs(pairs), expected, strict=True):
        assert own == pytest.approx(other, abs=1e-5)
    assert policy.budget.tokens < 64
    monkeypatch.setattr(Policy, "score", lambda self, clusters: torch.empty(1).fail_for_another_reason)
    with pytest.raises(AttributeError):
        policy.log_probs(pairs)


def test_where_no_micro_batch_fits_scoring_ends(model, monkeypatch):
    def without_memory(self, clusters):
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(Policy, "score", without_memory)
    with pytest.raises(Diverged, match="out of memory even with micro-batches"):
        Policy(model, temperature=1.0, micro_batch_tokens=64).log_probs([((5, 6), (7, 8))])
