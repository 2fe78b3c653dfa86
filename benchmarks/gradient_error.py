"""How far a step's gradient is from the exact one: ours in both precisions, and transformers' own ways beside it.

    python benchmarks/gradient_error.py --model FOLDER [--seeds 3]

The network samples 8 completions of each of 2 prompts, and each group's rewards are drawn and standardised. The
gradient of the policy loss over all tokens is computed by transformers in float64, in float32, by autocast (float32
weights and bfloat16 products, what TRL trains with) and with bfloat16 weights, and by the trainer's own pass in both
precisions, in bfloat16 with and without `model.exact_forward`. Prints one JSON line a seed: the length of each
difference over the length of the float64 gradient.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from grpo_work import make_questions
from torch import Tensor
from transformers import PreTrainedModel
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from rewardmodel.runtime.backbones import load_causal_model, load_tokenizer
from rewardmodel.runtime.split_weights import SplitWeights
from rltrainer.policy import Policy

PROMPTS, GROUP, NEW_TOKENS = 2, 8, 48
Row = tuple[tuple[int, ...], tuple[int, ...], float]
"""A prompt's tokens, a completion's, and its advantage."""


def sample_rows(network: PreTrainedModel, folder: Path, seed: int) -> list[Row]:
    """Completions of the network itself by transformers, those of a prompt together."""
    tokenizer = load_tokenizer(folder)
    torch.manual_seed(seed)
    rewards = torch.randn(PROMPTS, GROUP)
    advantages = (rewards - rewards.mean(1, keepdim=True)) / rewards.std(1, keepdim=True)
    rows: list[Row] = []
    for chat, own in zip(make_questions(tokenizer, PROMPTS * (seed + 1))[-PROMPTS:], advantages.tolist(), strict=True):
        ids = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=True)["input_ids"]
        found = network.generate(
            torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids), dtype=torch.int64),
            do_sample=True,
            top_k=0,
            num_return_sequences=GROUP,
            min_new_tokens=NEW_TOKENS,
            max_new_tokens=NEW_TOKENS,
            pad_token_id=0,
        )
        completions = found[:, len(ids) :].tolist()
        rows.extend((tuple(ids), tuple(row), advantage) for row, advantage in zip(completions, own, strict=True))
    return rows


def plain_gradient(network: PreTrainedModel, rows: Sequence[Row], context: AbstractContextManager[None]) -> Tensor:
    """By transformers: a forward pass a prompt's completions, the whole vocabulary, no part of the trainer."""
    network.zero_grad(set_to_none=True)
    tokens = sum(len(completion) for _, completion, _ in rows)
    for start in range(0, len(rows), GROUP):
        own = rows[start : start + GROUP]
        prompt = len(own[0][0])
        ids = torch.tensor([[*prompt_ids, *completion] for prompt_ids, completion, _ in own])
        with context:
            logits = network(input_ids=ids, use_cache=False).logits[:, prompt - 1 : -1]
        log_probs = (
            (logits if logits.dtype == torch.float64 else logits.float())
            .log_softmax(-1)
            .gather(2, ids[:, prompt:, None])
            .squeeze(2)
        )
        loss = -(log_probs * torch.tensor([advantage for *_, advantage in own])[:, None]).sum() / tokens
        loss.backward()
    return join_gradients(network)


@contextmanager
def norms_in_full() -> Iterator[None]:
    """Inside the block norms are computed in the precision of the states; transformers takes float32 for any."""

    def forward(norm: LlamaRMSNorm, states: Tensor) -> Tensor:
        scale = torch.rsqrt(states.pow(2).mean(-1, keepdim=True) + norm.variance_epsilon)
        return norm.weight * (states * scale)

    plain = LlamaRMSNorm.forward
    LlamaRMSNorm.forward = forward  # type: ignore[method-assign]
    try:
        yield
    finally:
        LlamaRMSNorm.forward = plain  # type: ignore[method-assign]


def own_gradient(network: PreTrainedModel, rows: Sequence[Row], *, exact: bool = True) -> Tensor:
    """By the trainer's policy: prompts computed once, chunked head, our own layers. exact: `model.exact_forward`."""
    tokens = sum(len(completion) for _, completion, _ in rows)
    policy = Policy(network, temperature=1.0, micro_batch_tokens=4096, exact=exact)
    for clusters in policy.plan([(prompt_ids, completion) for prompt_ids, completion, _ in rows]):
        scores = policy.score(clusters)
        advantages = torch.tensor([rows[row][2] for row in scores.rows])
        (-(scores.log_probs * scores.mask * advantages[:, None]).sum() / tokens).backward()
    return join_gradients(network)


def join_gradients(network: PreTrainedModel) -> Tensor:
    """All in one, float64."""
    gradients = [parameter.grad for parameter in network.parameters()]
    return torch.cat([gradient.double().flatten() for gradient in gradients if gradient is not None])


def measure(folder: Path, seed: int) -> dict[str, float]:
    """Each way's relative error."""
    exact = load_causal_model(folder, dtype=torch.float32).requires_grad_(True)
    rows = sample_rows(exact, folder, seed)
    weights = {name: parameter.detach().clone() for name, parameter in exact.named_parameters()}
    halved = load_causal_model(folder, dtype=torch.bfloat16).requires_grad_(True)
    with norms_in_full():
        expected = plain_gradient(load_causal_model(folder).double().requires_grad_(True), rows, nullcontext())
    found = {
        "float32": plain_gradient(exact, rows, nullcontext()),
        "autocast": plain_gradient(exact, rows, torch.autocast("cpu", dtype=torch.bfloat16)),
        "bfloat16 weights": plain_gradient(halved, rows, nullcontext()),
    }
    halved.zero_grad(set_to_none=True)
    exact.zero_grad(set_to_none=True)
    SplitWeights(halved, weights)
    found["ours, bfloat16"] = own_gradient(halved, rows)
    halved.zero_grad(set_to_none=True)
    found["ours, bfloat16 throughout"] = own_gradient(halved, rows, exact=False)
    found["ours, float32"] = own_gradient(exact, rows)
    return {name: float((gradient - expected).norm() / expected.norm()) for name, gradient in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder of the model")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    for seed in range(given.seeds):
        print(json.dumps({"seed": seed, **measure(given.model.resolve(), seed)}), flush=True)


if __name__ == "__main__":
    main()
