"""A head on a policy's own body that foretells rewards: a critic that needs no second network.

It is part of the network under one name, so that masters, optimizer, checkpoints and devices take it along.
"""

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from rltrainer.architecture import output_head

NAME = "value_head"
ValueT = TypeVar("ValueT")


def attach_value_head(model: PreTrainedModel) -> nn.Linear:
    """Give the network a value head, float32 whatever it computes in; it starts at 0, expecting nothing."""
    body = output_head(model)
    head = nn.Linear(body.in_features, 1, dtype=torch.float32, device=body.weight.device)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    model.add_module(NAME, head)
    return head


def value_head(model: PreTrainedModel) -> nn.Linear | None:
    """The network's value head; None where it has none."""
    head = getattr(model, NAME, None)
    return head if isinstance(head, nn.Linear) else None


def is_of_value_head(name: str) -> bool:
    """Whether a parameter of this name belongs to a value head."""
    return name.startswith(f"{NAME}.")


def without_value_head(tensors: Mapping[str, ValueT]) -> dict[str, ValueT]:
    """Entries by parameter name without those of the value head: the policy as others load it."""
    return {name: tensor for name, tensor in tensors.items() if not is_of_value_head(name)}


def foretell(head: nn.Linear, states: Tensor) -> Tensor:
    """Values [tokens] float32 from hidden states [tokens, width]."""
    values: Tensor = head(states.float()).squeeze(-1)
    return values
