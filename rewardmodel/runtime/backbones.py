"""Hugging Face folders into networks and tokenizers: safetensors only, no code from the folder."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

# Every model is a local folder: a look at the hub would only wait for a network that may not be there.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging as transformers_logging

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.model_folders import require_model_folder

transformers_logging.disable_progress_bar()

UNREADABLE = (OSError, ValueError, StrictDataclassError, SafetensorError)
"""What transformers raises where a folder's files cannot be read or do not fit each other."""


def load_tokenizer(folder: Path, *, key: str = "model") -> PreTrainedTokenizerBase:
    """The tokenizer of a model folder. `key` names the folder in the config, for messages.

    Raises: ConfigError where it cannot be loaded, or gives tokens for which the model has no embedding.
    """
    require_model_folder(folder, key=key)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except (*UNREADABLE, KeyError, TypeError) as error:  # The last two: JSON of another form.
        raise ConfigError([f"{key}: {folder} has no tokenizer that can be loaded: {error}"]) from error
    if tokenizer.eos_token_id is None:
        raise ConfigError([f"{key}: the tokenizer in {folder} has no end-of-sequence token"])
    _require_embeddings(tokenizer, folder, key, rows=config.get_text_config().vocab_size)
    return tokenizer


def load_causal_model(folder: Path, *, dtype: torch.dtype = torch.float32, key: str = "model") -> PreTrainedModel:
    """The causal language model of a folder, dropout off. `key` names the folder in the config, for messages.

    Raises: ConfigError where it cannot be loaded, or its files do not hold the very weights that it has.
    """
    return _load(AutoModelForCausalLM, folder, dtype, key)


def load_backbone(folder: Path, *, dtype: torch.dtype = torch.float32, key: str = "model") -> PreTrainedModel:
    """The network of a folder without its language-model head: gives hidden states. Raises: as `load_causal_model`."""
    return _load(AutoModel, folder, dtype, key)


def load_generation_config(folder: Path, *, key: str = "model") -> GenerationConfig | None:
    """The generation config of a folder, which names its stop tokens; None where it has none. Raises: ConfigError."""
    if not (folder / "generation_config.json").is_file():
        return None
    try:
        return GenerationConfig.from_pretrained(folder, local_files_only=True)
    except UNREADABLE as error:
        raise ConfigError([f"{key}: {folder / 'generation_config.json'} cannot be read: {error}"]) from error


def _load(loader: Any, folder: Path, dtype: torch.dtype, key: str) -> PreTrainedModel:
    require_model_folder(folder, key=key)
    try:
        model, found = loader.from_pretrained(
            folder,
            dtype=dtype,
            trust_remote_code=False,
            use_safetensors=True,
            local_files_only=True,
            # Told below in plain words, in place of an error that points to a table in the log.
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    except SafetensorError as error:
        why = f"a weight file is cut off or broken ({error}); copy the folder again"
        raise ConfigError([f"{key}: {folder} cannot be loaded: {why}"]) from error
    except UNREADABLE as error:
        raise ConfigError([f"{key}: {folder} cannot be loaded: {error}"]) from error
    _require_all_weights(model, found, folder, key)
    # eval() switches dropout off; training here never wants it back, for it would break exact resume and ratios.
    network: PreTrainedModel = model.eval()
    return network


def _require_all_weights(model: PreTrainedModel, found: dict[str, Any], folder: Path, key: str) -> None:
    """Raises: ConfigError where a weight would be made up, or the files hold more of what the network has.

    Tied weights are no fault, nor are parts that this network has not at all, such as another's head.
    """
    faults = []
    if mismatched := found["mismatched_keys"]:
        name, filed, own = min(mismatched, key=lambda each: str(each[0]))
        sizes = f"{list(filed)} in the files and {list(own)} by config.json"
        faults.append(f"weights have another size than config.json says: {name} ({sizes}){_more(mismatched)}")
    if missing := found["missing_keys"]:
        faults.append(f"weights are missing in its files: {min(missing)}{_more(missing)}")
    if surplus := _find_surplus(model, found["unexpected_keys"]):
        faults.append(f"its files hold weights that config.json leaves no room for: {min(surplus)}{_more(surplus)}")
    if faults:
        way_out = "take a complete copy of the model whose config.json is its own"
        raise ConfigError([f"{key}: {folder} cannot be loaded: {fault}; {way_out}" for fault in faults])


def _find_surplus(model: PreTrainedModel, unexpected: Collection[str]) -> list[str]:
    """Those weights of the files that belong to layers such as the network has: a further layer, or a layer's bias."""
    layers = {_without_numbers(name).rpartition(".")[0] for name, _ in model.named_parameters()}
    prefix = f"{model.base_model_prefix}."
    layers |= {prefix + layer for layer in layers}
    return [name for name in unexpected if _without_numbers(name).rpartition(".")[0] in layers]


def _without_numbers(name: str) -> str:
    return ".".join("*" if part.isdigit() else part for part in name.split("."))


def _more(found: Collection[Any]) -> str:
    return f" and {len(found) - 1} more" if len(found) > 1 else ""


def _require_embeddings(tokenizer: PreTrainedTokenizerBase, folder: Path, key: str, *, rows: int) -> None:
    """Raises: ConfigError where text or template can give a token beyond the table of embeddings.

    Special tokens that neither the template nor an end of text gives are no fault: they mark pictures, for instance.
    """
    beyond = {token: number for token, number in tokenizer.get_vocab().items() if number >= rows}
    template = str(tokenizer.chat_template or "")
    marks = {tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token}
    special = set(tokenizer.all_special_tokens)
    special |= {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
    used = [token for token in beyond if token not in special or token in marks or token in template]
    if used:
        first = min(used, key=lambda token: beyond[token])
        raise ConfigError(
            [
                f"{key}: the tokenizer in {folder} has {len(used)} tokens beyond the {rows} rows of the model's "
                f"embeddings, first {first!r} ({beyond[first]}); take the tokenizer that the model was trained with, "
                "or save the model with its embeddings resized to the tokenizer"
            ]
        )
