"""PURE: who sees whom, in the form that every attention implementation adds to its scores."""

import torch
from torch import Tensor


def additive_mask(visible: Tensor, dtype: torch.dtype) -> Tensor:
    """0 where a key is seen and the dtype's lowest number where it is not.

    visible: bool, [sequences, queries, keys], or [sequences, keys] for one query each.
    Returns: [sequences, 1, queries, keys]; the 1 stands for all heads.
    """
    if visible.dtype != torch.bool or visible.ndim not in (2, 3):
        raise ValueError(f"expected bool [sequences, (queries,) keys], not {visible.dtype} {tuple(visible.shape)}")
    added = torch.zeros(visible.shape, dtype=dtype, device=visible.device)
    added.masked_fill_(~visible, torch.finfo(dtype).min)
    return added[:, None, None] if visible.ndim == 2 else added[:, None]
