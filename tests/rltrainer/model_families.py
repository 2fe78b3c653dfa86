"""Tiny random models of several families in normal folders, over the tokens of the byte tokenizer."""

from pathlib import Path
from typing import Any

import torch
import transformers

from tests.tiny_model import make_byte_tokenizer

SIZES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
    "bos_token_id": None,
}
FAMILIES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "Llama": ("LlamaConfig", "LlamaForCausalLM", {}),
    "Mistral": ("MistralConfig", "MistralForCausalLM", {}),
    "Qwen 2": ("Qwen2Config", "Qwen2ForCausalLM", {}),
    "Qwen 3": ("Qwen3Config", "Qwen3ForCausalLM", {"head_dim": 8}),
    "Gemma 3": ("Gemma3TextConfig", "Gemma3ForCausalLM", {"head_dim": 8, "sliding_window": 64}),
    "Phi-3": ("Phi3Config", "Phi3ForCausalLM", {}),
    "OLMo 2": ("Olmo2Config", "Olmo2ForCausalLM", {}),
    "SmolLM3": ("SmolLM3Config", "SmolLM3ForCausalLM", {}),
    "GPT-2": ("GPT2Config", "GPT2LMHeadModel", {}),
    "GPT-NeoX": ("GPTNeoXConfig", "GPTNeoXForCausalLM", {}),
    "Mixtral": ("MixtralConfig", "MixtralForCausalLM", {"num_local_experts": 4}),
    "Gemma 2": ("Gemma2Config", "Gemma2ForCausalLM", {"head_dim": 8}),
    "Bloom": ("BloomConfig", "BloomForCausalLM", {}),
    "Falcon": ("FalconConfig", "FalconForCausalLM", {"alibi": True}),
    "Mamba": ("MambaConfig", "MambaForCausalLM", {}),
}
"""By the name in docs/howto/policies.md: classes of transformers, and settings beyond SIZES."""


def make_family(folder: Path, family: str, **settings: Any) -> Path:
    """The folder of a random model of this family; the same family and settings give the same weights."""
    tokenizer = make_byte_tokenizer()
    config_class, model_class, own = FAMILIES[family]
    values = {"vocab_size": len(tokenizer), "eos_token_id": tokenizer.eos_token_id, "pad_token_id": 256, **SIZES, **own}
    config = getattr(transformers, config_class)(**{**values, **settings})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        getattr(transformers, model_class)(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
