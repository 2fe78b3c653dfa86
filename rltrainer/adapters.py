"""Low-rank adapters: a few weights that learn beside frozen ones, and can be switched off."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from rewardmodel.config_parsing import ConfigError
from rltrainer.architecture import output_head

ADAPTER = "default"
"""The name that PEFT gives to an only adapter."""
LINEAR = (nn.Linear, Conv1D)
"""Layers that get one; the second is GPT-2's, a linear layer whose weight lies the other way round."""


def add_adapters(model: PreTrainedModel, *, rank: int, alpha: float) -> None:
    """Put an adapter beside every linear layer but the output; only adapters require a gradient afterwards.

    They compute in the network's precision, with masters of their own. A fresh adapter adds 0: the network answers as
    before. Raises: ConfigError where matrices lie in layers of another kind, such as the experts of a mixture, and
    would get none. Source: Hu et al. 2021 (arXiv:2106.09685).
    """
    # Its import takes seconds and memory, and most runs have no adapters.
    from peft import LoraConfig, inject_adapter_in_model

    head = output_head(model)
    layers = {name: each for name, each in model.named_modules() if isinstance(each, LINEAR) and each is not head}
    _require_linear(model)
    # It is annotated as an int, and divided by the rank like any number.
    strength: Any = alpha
    config = LoraConfig(
        r=rank,
        lora_alpha=strength,
        target_modules=list(layers),
        lora_dropout=0.0,
        bias="none",
        task_type="CAUSAL_LM",
        fan_in_fan_out=any(isinstance(layer, Conv1D) for layer in layers.values()),
    )
    inject_adapter_in_model(config, model)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("lora_" in name)
        parameter.data = parameter.data.to(model.dtype)


def _require_linear(model: PreTrainedModel) -> None:
    """Raises: ConfigError where a matrix belongs to no linear layer and to no table of embeddings."""
    foreign = [
        f"{name}.{own}"
        for name, module in model.named_modules()
        if not isinstance(module, (*LINEAR, nn.Embedding))
        for own, parameter in module.named_parameters(recurse=False)
        if parameter.dim() > 1
    ]
    if foreign:
        raise ConfigError(
            [
                f"model.adapter_rank: {type(model).__name__} keeps {len(foreign)} of its matrices outside of linear "
                f"layers, first {foreign[0]}, and they would get no adapters; take 0, which trains every weight, or a "
                "model without a mixture of experts"
            ]
        )


@contextmanager
def adapters_off(model: nn.Module) -> Iterator[None]:
    """Inside the block the network computes without its adapters."""
    layers = _adapted(model)
    try:
        for _, layer in layers:
            layer.enable_adapters(False)
        yield
    finally:
        for _, layer in layers:
            layer.enable_adapters(True)


def describe_adapters(model: PreTrainedModel) -> tuple[Any, dict[str, Tensor]]:
    """The adapters as PEFT files them: their config, and their weights by the names in its files.

    Raises: ValueError where the network has none.
    """
    layers = _adapted(model)
    if not layers:
        raise ValueError("the network has no adapters")
    # PEFT keeps the config it was given under the adapter's name.
    config = model.peft_config[ADAPTER]
    named = model.named_parameters()
    tensors = {_filed_name(name): weight.detach() for name, weight in named if f".{ADAPTER}." in name}
    return config, tensors


def _filed_name(name: str) -> str:
    return "base_model.model." + name.replace(f".{ADAPTER}.", ".")


@torch.no_grad()
def merge_adapters(model: nn.Module) -> None:
    """Add the adapters into the weights beside them and take them out: a plain network that answers the same."""
    for name, layer in _adapted(model):
        layer.merge()
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, layer.get_base_layer())


def _adapted(model: nn.Module) -> list[tuple[str, Any]]:
    if "peft" not in sys.modules:
        return []  # Nothing was ever adapted.
    from peft.tuners.tuners_utils import BaseTunerLayer

    return [(name, module) for name, module in model.named_modules() if isinstance(module, BaseTunerLayer)]
