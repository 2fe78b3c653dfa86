"""PURE: distance of the policy from the reference, estimated on sampled tokens.

Notation: x = log p_ref(token) - log p_policy(token). k1 = -x is unbiased and may be negative; k2 = x^2 / 2 is biased
with a good gradient; k3 = exp(x) - 1 - x is unbiased, never negative and steadier.
Source: Schulman 2020, "Approximating KL divergence"; gradients: arXiv:2510.01555.
"""

import math
from typing import Literal, get_args

import torch
from torch import Tensor

from rltrainer.config_learning import KLConfig

KLEstimator = Literal["k1", "k2", "k3"]
KLGradient = Literal["naive", "k2_st", "ratio"]
EXPONENT_LIMIT = 20.0
"""Log-ratios are held within this many nats before exponentiation, so that one stray token cannot overflow float32."""
CONTROLLER_REACH = 0.2
"""Largest share by which the adaptive controller changes the price within its horizon."""


def estimate_kl(log_probs: Tensor, reference_log_probs: Tensor, *, estimator: KLEstimator) -> Tensor:
    """KL(policy || reference) in nats for each sampled token; same shape as the inputs, float32.

    Raises: ValueError for unequal shapes or an unknown estimator.
    """
    if log_probs.shape != reference_log_probs.shape:
        raise ValueError(f"log-probs {tuple(log_probs.shape)} and reference {tuple(reference_log_probs.shape)} differ")
    x = (reference_log_probs.float() - log_probs.float()).clamp(-EXPONENT_LIMIT, EXPONENT_LIMIT)
    if estimator == "k1":
        return -x
    if estimator == "k2":
        return x.square() / 2
    if estimator == "k3":
        return torch.expm1(x) - x
    raise ValueError(f"estimator must be one of {get_args(KLEstimator)}, not {estimator!r}")


def kl_penalty(
    log_probs: Tensor,
    reference_log_probs: Tensor,
    *,
    old_log_probs: Tensor | None,
    estimator: KLEstimator,
    gradient: KLGradient,
) -> Tensor:
    """The KL term of a loss for each token, in nats; its value is the estimator's (times the ratio in mode `ratio`).

    old_log_probs: those of the policy that sampled; None when that is the current policy (ratio 1).
    `naive` differentiates the estimator as it stands; `k2_st` keeps its value and takes k2's gradient, the right one
    on-policy; `ratio` multiplies by the differentiable importance ratio, the right one off-policy as well.
    """
    value = estimate_kl(log_probs, reference_log_probs, estimator=estimator)
    if gradient == "naive":
        return value
    if gradient == "k2_st":
        surrogate = estimate_kl(log_probs, reference_log_probs, estimator="k2")
        return value.detach() + surrogate - surrogate.detach()
    if gradient == "ratio":
        old = log_probs.detach() if old_log_probs is None else old_log_probs
        return (log_probs - old).clamp(-EXPONENT_LIMIT, EXPONENT_LIMIT).exp() * value
    raise ValueError(f"gradient must be one of {get_args(KLGradient)}, not {gradient!r}")


class KLController:
    """The price of distance from the reference, as it stands: fixed, or moved towards a wished distance.

    Source: Ziegler et al. 2019 (arXiv:1909.08593) sec. 2.2.
    """

    def __init__(self, config: KLConfig) -> None:
        self.config = config
        self.coefficient = config.coefficient
        """Price of one nat."""

    def update(self, kl_sequence: float, completions: int) -> None:
        """Takes note of the distance that `completions` completions had on average, nats each.

        A step never changes the price by more than `CONTROLLER_REACH`; a distance that is no number changes nothing.
        """
        if self.config.controller == "fixed" or not math.isfinite(kl_sequence):
            return
        error = min(max(kl_sequence / self.config.target - 1, -CONTROLLER_REACH), CONTROLLER_REACH)
        self.coefficient *= 1 + error * min(completions / self.config.horizon, 1.0)

    def state(self) -> dict[str, float]:
        """What a checkpoint must hold."""
        return {"coefficient": self.coefficient}

    def restore(self, state: dict[str, float]) -> None:
        """Goes on from a checkpoint's state."""
        self.coefficient = state["coefficient"]
