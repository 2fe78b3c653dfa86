"""Hugging Face folders into networks and tokenizers: safetensors only, no code from the folder."""

import os
from pathlib import Path

# Every model is a local folder: a look at the hub would only wait for a network that may not be there.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging as transformers_logging

from rewardmodel.config_parsing import ConfigError

transformers_logging.disable_progress_bar()


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a model folder. Raises: ConfigError where it cannot be loaded."""
    _require_folder(folder)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError) as error:
        raise ConfigError([f"model: {folder} has no tokenizer that can be loaded: {error}"]) from error
    if tokenizer.eos_token_id is None:
        raise ConfigError([f"model: the tokenizer in {folder} has no end-of-sequence token"])
    return tokenizer


def load_causal_model(folder: Path, *, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    """The causal language model of a folder, dropout off. Raises: ConfigError where it cannot be loaded."""
    return _load(AutoModelForCausalLM, folder, dtype)


def load_backbone(folder: Path, *, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    """The network of a folder without its language-model head: gives hidden states. Raises: ConfigError."""
    return _load(AutoModel, folder, dtype)


def load_generation_config(folder: Path) -> GenerationConfig | None:
    """The generation config of a folder, which names its stop tokens; None where it has none."""
    if not (folder / "generation_config.json").is_file():
        return None
    return GenerationConfig.from_pretrained(folder, local_files_only=True)


def _load(loader: type, folder: Path, dtype: torch.dtype) -> PreTrainedModel:
    _require_folder(folder)
    try:
        model = loader.from_pretrained(  # type: ignore[attr-defined]
            folder, dtype=dtype, trust_remote_code=False, use_safetensors=True, local_files_only=True
        )
    except (OSError, ValueError) as error:
        raise ConfigError([f"model: {folder} cannot be loaded: {error}"]) from error
    # eval() switches dropout off; training here never wants it back, for it would break exact resume and ratios.
    network: PreTrainedModel = model.eval()
    return network


def _require_folder(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise ConfigError([f"model: {folder} is not a model folder (it has no config.json)"])
