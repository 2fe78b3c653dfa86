"""What a network must be like for our sampler and our head to be exact, checked before a run starts."""

from inspect import signature

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


def require_full_attention(
    model: PreTrainedModel,
    length: int,
    *,
    key: str = "model.path",
    limits: str = "data.max_prompt_tokens and max_new_tokens",
) -> None:
    """Raises ConfigError where the network cannot see `length` tokens back in every layer, or hasn't so many places.

    length: tokens of the longest prompt and completion there can be. key: of the model, limits: of what to lower; both
    for messages.
    """
    config = model.config.get_text_config()
    places = getattr(config, "max_position_embeddings", None)
    if places is not None and length > places:
        raise ConfigError(
            [f"{key}: {length} tokens of prompt and completion exceed its {places} positions; lower {limits}"]
        )
    kinds = _layer_kinds(model)
    if foreign := ", ".join(sorted(kinds - {"full_attention", "sliding_attention"})):
        way_out = "take a model whose layers attend to every token"
        raise ConfigError([f"{key}: layers of kind {foreign} cannot see {length} tokens back; {way_out}"])
    if "position_ids" not in signature(model.base_model.forward).parameters or getattr(config, "alibi", False):
        way_out = "take a model with positions such as Llama's or GPT-2's"
        raise ConfigError([f"{key}: {type(model).__name__} tells positions by its mask and not by ids; {way_out}"])
    window = getattr(config, "sliding_window", None)
    if "sliding_attention" in kinds and (window is None or length > window):
        raise ConfigError(
            [
                f"{key}: layers of kind sliding_attention see {window} tokens back, and the longest prompt and "
                f"completion may have {length} together; lower {limits} so that they fit into the window, or take a "
                "model without one"
            ]
        )


def _layer_kinds(model: PreTrainedModel) -> set[str]:
    """What the layers attend to, in transformers' words; a config without them may still name a window for all."""
    config = model.config.get_text_config()
    if kinds := getattr(config, "layer_types", None):
        return set(kinds)
    slides = getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True)
    return {"sliding_attention" if slides else "full_attention"}


@torch.no_grad()
def require_plain_head(model: PreTrainedModel, *, key: str = "model.path") -> None:
    """Raises ConfigError where logits are more than head(hidden states), for instance scaled or capped.

    key: of the model, for messages. Raises: Diverged where the logits are not finite.
    """
    device = next(model.parameters()).device
    size = min(output_head(model).out_features, token_embeddings(model).num_embeddings)
    ids = (torch.arange(8, device=device) * 977 % size)[None]
    whole = model(input_ids=ids, use_cache=False).logits.float()
    ours = output_head(model)(hidden_states(model, input_ids=ids, use_cache=False)).float()
    if not bool(whole.isfinite().all()):
        raise Diverged(f"the logits of the model in {key} are not finite; its weights are broken")
    if not torch.allclose(whole, ours, rtol=0, atol=LOGIT_TOLERANCE * float(whole.abs().max())):
        raise ConfigError([f"{key}: {type(model).__name__} changes its logits after the output layer"])
    if getattr(model.config.get_text_config(), "final_logit_softcapping", None):
        # Small logits are hardly changed by it, and might pass for plain until the model has learned larger ones.
        raise ConfigError([f"{key}: {type(model).__name__} caps its logits after the output layer"])
