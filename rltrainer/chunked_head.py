"""PURE: log-probs and entropy of given tokens, a few hundred rows of the vocabulary at a time."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

CHUNK_ELEMENTS = 2**24
"""Logits that exist at once: 64 MiB in float32, whatever batch and vocabulary."""


@dataclass(frozen=True, slots=True)
class TokenScores:
    """What the network thinks of given tokens."""

    log_probs: Tensor
    """[tokens] float32, nats."""
    entropy: Tensor
    """[tokens] float32, nats, of the whole distribution."""


def score_tokens(
    hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, *, temperature: float
) -> TokenScores:
    """Log-probs of `targets` under softmax((hidden @ weight.T + bias) / temperature), and that softmax's entropy.

    hidden: [tokens, width]; weight: [vocabulary, width]; bias: [vocabulary] or None; targets: [tokens] int64.
    Logits are made chunk by chunk and again in the backward pass: they are never all held. Sums run in float32.
    """
    if hidden.ndim != 2 or targets.shape != hidden.shape[:1] or weight.shape[1] != hidden.shape[1]:
        raise ValueError(f"hidden {tuple(hidden.shape)}, weight {tuple(weight.shape)}, targets {tuple(targets.shape)}")
    scores = _ChunkedHead.apply(hidden, weight, bias, targets, temperature)
    return TokenScores(*scores)


def _chunks(tokens: int, vocabulary: int) -> list[slice]:
    size = max(1, CHUNK_ELEMENTS // vocabulary)
    return [slice(start, min(start + size, tokens)) for start in range(0, tokens, size)]


def _logits(hidden: Tensor, weight: Tensor, bias: Tensor | None, temperature: float) -> Tensor:
    logits = torch.nn.functional.linear(hidden, weight, bias).float()
    return logits if temperature == 1.0 else logits / temperature


class _ChunkedHead(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, temperature: float
    ) -> tuple[Tensor, Tensor]:
        log_probs = torch.empty(len(hidden), dtype=torch.float32, device=hidden.device)
        normaliser, entropy = torch.empty_like(log_probs), torch.empty_like(log_probs)
        for part in _chunks(len(hidden), len(weight)):
            logits = _logits(hidden[part], weight, bias, temperature)
            normaliser[part] = logits.logsumexp(dim=1)
            log_probs[part] = logits.gather(1, targets[part, None]).squeeze(1) - normaliser[part]
            probabilities = (logits - normaliser[part, None]).exp_()
            entropy[part] = normaliser[part] - torch.linalg.vecdot(probabilities, logits)
        ctx.save_for_backward(hidden, weight, bias, targets, normaliser, entropy)
        ctx.temperature = temperature
        # A loss without entropy gives None for its gradient, and that part of the backward pass is left out.
        ctx.set_materialize_grads(False)
        return log_probs, entropy

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None, entropy_gradient: Tensor | None) -> tuple[Tensor | None, ...]:
        hidden, weight, bias, targets, normaliser, entropy = ctx.saved_tensors
        if gradient is None:
            gradient = torch.zeros_like(normaliser)
        wants_hidden, wants_weight, wants_bias = ctx.needs_input_grad[:3]
        hidden_gradient = torch.empty_like(hidden) if wants_hidden else None
        weight_gradient = torch.zeros_like(weight, dtype=torch.float32) if wants_weight else None
        bias_gradient = torch.zeros_like(weight[:, 0], dtype=torch.float32) if wants_bias else None
        for part in _chunks(len(hidden), len(weight)):
            slope = gradient[part, None] / ctx.temperature
            logit_gradient = _logits(hidden[part], weight, bias, ctx.temperature)
            logit_gradient.sub_(normaliser[part, None])
            if entropy_gradient is None:
                logit_gradient.exp_().mul_(-slope)
            else:
                # dH/dz = -p (log p + H), where z are the logits after the temperature.
                push = entropy_gradient[part, None] / ctx.temperature
                factor = (logit_gradient + entropy[part, None]).mul_(-push).sub_(slope)
                logit_gradient.exp_().mul_(factor)
            logit_gradient.scatter_add_(1, targets[part, None], slope)
            small = logit_gradient.to(hidden.dtype)
            if hidden_gradient is not None:
                hidden_gradient[part] = small @ weight
            if weight_gradient is not None:
                weight_gradient += small.T @ hidden[part]
            if bias_gradient is not None:
                bias_gradient += logit_gradient.sum(dim=0)
        return hidden_gradient, _as(weight_gradient, weight), _as(bias_gradient, bias), None, None


def _as(gradient: Tensor | None, owner: Tensor | None) -> Tensor | None:
    return None if gradient is None or owner is None else gradient.to(owner.dtype)
