"""How far an optimizer step moves the weights, measured on an evenly spread sample of them."""

from collections.abc import Sequence
from math import gcd, prod, sqrt

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from rewardmodel.runtime.split_weights import join_weights

SAMPLED_WEIGHTS = 2048
"""Of each tensor. A copy of all weights would cost more memory than a step has left."""
Squares = tuple[float, float]
"""Sums of squares: of the weights' changes, and of the weights before."""


class UpdateMeter:
    """Told when a step begins and asked after it. Tensors of at most SAMPLED_WEIGHTS weights are measured whole."""

    def __init__(self, parameters: Sequence[nn.Parameter], lower_halves: Sequence[Tensor | None] = ()) -> None:
        """lower_halves: for each parameter what it lacks of its exact weights, where it is rounded."""
        halves = lower_halves or [None] * len(parameters)
        self._parts = [_Part(parameter, half) for parameter, half in zip(parameters, halves, strict=True)]
        # Each sampled weight stands for as many: lengths are those of the roots of their squares.
        shares = torch.tensor([part.share for part in self._parts], dtype=torch.float32)
        counts = torch.tensor([part.count for part in self._parts], dtype=torch.int64)
        self._scales = shares.sqrt().repeat_interleave(counts)
        self._before = torch.zeros(0)

    def begin(self) -> None:
        """Remember the sample as it is."""
        self._before = self._sample()

    def squares(self) -> Squares:
        """What this process's weights say; those of several processes add up where each holds other weights."""
        moved, length = (torch.dot(each, each) for each in (self._sample().sub_(self._before), self._before))
        moved_square, length_square = torch.stack([moved, length]).tolist()
        return moved_square, length_square

    @torch.no_grad()
    def _sample(self) -> Tensor:
        if not self._parts:
            return torch.zeros(0)
        picked = torch.cat([part.sample() for part in self._parts])
        return picked.mul_(self._scales.to(picked.device))


class _Part:
    """Which of a parameter's weights are looked at: every `stride`-th of all, as far as this process holds them."""

    def __init__(self, parameter: nn.Parameter, lower: Tensor | None) -> None:
        self._parameter = parameter
        self._lower = lower
        local, offset = _find_local(parameter)
        self._stride = _choose_stride(parameter.shape)
        self._start = -offset % self._stride
        self.count = len(range(self._start, local.numel(), self._stride))
        whole = len(range(0, parameter.numel(), self._stride))
        self.share = parameter.numel() / whole if whole else 0.0

    def sample(self) -> Tensor:
        local, _ = _find_local(self._parameter)
        picked = self._pick(local)
        return picked if self._lower is None else join_weights(picked, self._pick(self._lower))

    def _pick(self, local: Tensor) -> Tensor:
        return local.reshape(-1)[self._start :: self._stride]


def describe_update(squares: Sequence[Squares]) -> dict[str, float]:
    """Length of the change over the length of the weights, as `update_norm`; nothing where all weights were 0."""
    moved, length = (sum(column) for column in zip(*squares, strict=True))
    return {"update_norm": sqrt(moved / length)} if length > 0 else {}


def _find_local(parameter: nn.Parameter) -> tuple[Tensor, int]:
    """The weights that this process holds, and the place of the first of them among all."""
    weights = parameter.detach()
    if not isinstance(weights, DTensor):
        return weights, 0
    # Spread by rows in pieces of one size, of which the last may be smaller or empty.
    rows = weights.shape[0]
    first = min(-(-rows // weights.device_mesh.size()) * weights.device_mesh.get_local_rank(), rows)
    return weights.to_local(), first * (weights.numel() // max(rows, 1))


def _choose_stride(shape: Sequence[int]) -> int:
    """From one sampled weight to the next: one that visits all columns of a matrix, not the same few again."""
    stride = max(1, -(-prod(shape) // SAMPLED_WEIGHTS))
    while len(shape) > 1 and stride > 1 and gcd(stride, shape[-1]) > 1:
        stride += 1
    return stride
