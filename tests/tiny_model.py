"""A tiny random language model with its tokenizer, made on the spot in well under a second."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

CHAT_TEMPLATE = (
    "{% for message in messages %}<|start|>{{ message['role'] }}\n{{ message['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)


def make_tiny_model(
    folder: Path, seed: int = 0, *, hidden_size: int = 32, pad_is_eos: bool = False, chat_template: bool = True
) -> Path:
    """A two-layer random Llama over bytes in a normal Hugging Face folder; the same seed gives the same weights."""
    tokenizer = make_byte_tokenizer(pad_is_eos=pad_is_eos, chat_template=chat_template)
    stops = tokenizer.convert_tokens_to_ids(["<|end|>", "<|endoftext|>"])
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden_size,
        intermediate_size=2 * hidden_size,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=stops[0],
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(eos_token_id=stops, pad_token_id=tokenizer.pad_token_id)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_byte_tokenizer(*, pad_is_eos: bool = False, chat_template: bool = True) -> PreTrainedTokenizerFast:
    """One token a byte, plus control tokens for pad, end of text, turn start and turn end (the end-of-sequence)."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(models.BPE(vocab={symbol: index for index, symbol in enumerate(alphabet)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(["<|pad|>", "<|endoftext|>", "<|start|>", "<|end|>"])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token="<|end|>",
        pad_token="<|end|>" if pad_is_eos else "<|pad|>",
        extra_special_tokens=["<|start|>", "<|endoftext|>"],
    )
    tokenizer.chat_template = CHAT_TEMPLATE if chat_template else None
    return tokenizer
