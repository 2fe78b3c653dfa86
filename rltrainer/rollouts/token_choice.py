"""PURE: the next token of every row from its logits."""

import torch
from torch import Tensor


def choose_tokens(logits: Tensor, uniforms: Tensor, *, temperature: float, top_p: float) -> tuple[Tensor, Tensor]:
    """A token for each row and its log-probability.

    logits: [rows, vocabulary]; uniforms: [rows] float32 in [0, 1). Returns: [rows] int64 and [rows] float32.
    The token is where the cumulated probability first exceeds the uniform number, so that a row's draw depends on its
    own number alone. The log-prob is that of the full distribution at this temperature (at 1 for greedy choice).
    Raises: FloatingPointError where a row's logits are not finite.
    """
    if logits.ndim != 2 or uniforms.shape != logits.shape[:1]:
        raise ValueError(f"logits {tuple(logits.shape)} and uniforms {tuple(uniforms.shape)} do not fit")
    scaled = logits.float()
    if temperature not in (0.0, 1.0):
        scaled = scaled / temperature
    # By hand: logsumexp would take the exponential of every logit, and the draw would have to take it once more.
    highest = scaled.amax(dim=1, keepdim=True)
    weights = (scaled - highest).exp_()
    total = weights.sum(dim=1, keepdim=True)
    normaliser = highest + total.log()
    if not bool(normaliser.isfinite().all()):
        raise FloatingPointError("the policy's logits are not finite")
    if temperature == 0.0:
        tokens = scaled.argmax(dim=1, keepdim=True)
    else:
        tokens = _invert_cdf(weights if top_p >= 1.0 else keep_nucleus(weights.div_(total), top_p), uniforms)
    return tokens.squeeze(1), (scaled.gather(1, tokens) - normaliser).squeeze(1)


def keep_nucleus(probabilities: Tensor, top_p: float) -> Tensor:
    """The same rows with the tokens outside the smallest set that reaches `top_p` put to 0 (not renormalised).

    Source: Holtzman et al. 2020 (arXiv:1904.09751) sec. 3.1. The likeliest token always stays.
    """
    ordered, places = probabilities.sort(dim=1, descending=True, stable=True)
    before = ordered.cumsum(dim=1) - ordered
    return torch.zeros_like(probabilities).scatter(1, places, ordered.masked_fill(before >= top_p, 0.0))


def _invert_cdf(weights: Tensor, uniforms: Tensor) -> Tensor:
    cumulated = weights.cumsum(dim=1)
    total = cumulated[:, -1:]
    # Held below the total, the number always lies before some token of positive weight.
    highest = torch.nextafter(total, torch.zeros_like(total))
    wanted = (uniforms.to(weights.device)[:, None] * total).minimum(highest)
    return torch.searchsorted(cumulated, wanted, right=True)
