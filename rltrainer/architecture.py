"""What a network must be like for our sampler and our head to be exact, checked before a run starts."""

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.faults import Diverged

LOGIT_TOLERANCE = 2e-2
"""Allowed difference of the two ways to the logits, relative to their size: rounding of bfloat16, and not more."""


def output_head(model: PreTrainedModel) -> nn.Linear:
    """The layer that turns hidden states into logits. Raises: ConfigError where the network has no plain one."""
    head = model.get_output_embeddings()
    if not isinstance(head, nn.Linear):
        raise ConfigError([f"model.path: {type(model).__name__} has no linear output layer"])
    return head


def token_embeddings(model: PreTrainedModel) -> nn.Embedding:
    """The table of token embeddings. Raises: ConfigError where the network has no plain one."""
    table = model.get_input_embeddings()
    if not isinstance(table, nn.Embedding):
        raise ConfigError([f"model.path: {type(model).__name__} has no plain table of token embeddings"])
    return table


def hidden_states(model: PreTrainedModel, **inputs: Tensor | object) -> Tensor:
    """The last hidden states of the network, [sequences, tokens, width], without computing any logits."""
    states: Tensor = model.base_model(**inputs).last_hidden_state
    return states


def require_full_attention(model: PreTrainedModel, length: int) -> None:
    """Raises ConfigError where the network cannot see `length` tokens back in every layer, or hasn't so many places."""
    config = model.config
    places = getattr(config, "max_position_embeddings", None)
    if places is not None and length > places:
        raise ConfigError([f"model.path: {length} tokens of prompt and completion exceed its {places} positions"])
    window = getattr(config, "sliding_window", None)
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if kinds <= {"full_attention"} and not (window and getattr(config, "use_sliding_window", True)):
        return
    if kinds <= {"full_attention", "sliding_attention"} and window is not None and length <= window:
        return
    raise ConfigError([f"model.path: layers of kind {', '.join(sorted(kinds))} cannot see {length} tokens back"])


@torch.no_grad()
def require_plain_head(model: PreTrainedModel) -> None:
    """Raises ConfigError where logits are more than head(hidden states), for instance scaled or capped.

    Raises: Diverged where the logits are not finite.
    """
    device = next(model.parameters()).device
    size = min(output_head(model).out_features, token_embeddings(model).num_embeddings)
    ids = (torch.arange(8, device=device) * 977 % size)[None]
    whole = model(input_ids=ids, use_cache=False).logits.float()
    ours = output_head(model)(hidden_states(model, input_ids=ids, use_cache=False)).float()
    if not bool(whole.isfinite().all()):
        raise Diverged("the logits of the model in model.path are not finite; its weights are broken")
    if not torch.allclose(whole, ours, rtol=0, atol=LOGIT_TOLERANCE * float(whole.abs().max())):
        raise ConfigError([f"model.path: {type(model).__name__} changes its logits after the output layer"])
