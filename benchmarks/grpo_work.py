"""What a step of GRPO does in `grpo.py`, on which network and prompts, and what a machine allows for it at best."""

import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROMPT_TOKENS = 60
SHAPES = {
    # Qwen2.5-0.5B's.
    "0.5b": {
        "vocab_size": 151_936,
        "hidden_size": 896,
        "intermediate_size": 4864,
        "num_hidden_layers": 24,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
    },
    "tiny": {
        "vocab_size": 49_152,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
    },
}
WORDS = ("river", "stone", "light", "window", "paper", "garden", "music", "science", "people", "work", "read", "room")


@dataclass(frozen=True, slots=True)
class Work:
    """What a step does, the same for every contender."""

    folder: Path
    device: str
    prompts: int
    group: int
    prompt_tokens: int
    new_tokens: int
    trl_rows: int
    """Completions that TRL runs forward and backward at once; ours chooses by itself."""
    steps: int
    threads: int
    profile: Path | None

    @property
    def rows(self) -> int:
        """Completions of a step."""
        return self.prompts * self.group

    @property
    def prompt_set(self) -> int:
        """Prompts that there are to draw from, those that ours holds out for its evaluation included."""
        return 8 * self.prompts


def make_network(folder: Path, tokenizer: Path, shape: str) -> None:
    """A network of random weights in bfloat16, with that tokenizer."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    network = Qwen2ForCausalLM(
        Qwen2Config(**SHAPES[shape], tie_word_embeddings=True, eos_token_id=0, pad_token_id=0, bos_token_id=None)
    )
    network.bfloat16().save_pretrained(folder)
    for file in (*tokenizer.glob("tokenizer*"), *tokenizer.glob("*.jinja")):
        shutil.copy(file, folder)


def make_questions(tokenizer: Any, count: int, prompt_tokens: int = PROMPT_TOKENS) -> list[list[dict[str, str]]]:
    """Chats of exactly `prompt_tokens` tokens once rendered."""
    draw = random.Random(0)
    questions = []
    while len(questions) < count:
        words = ["Tell"]
        while True:
            chat = [{"role": "user", "content": " ".join(words)}]
            size = len(tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=True)["input_ids"])
            if size >= prompt_tokens:
                break
            words.append(draw.choice(WORDS))
        if size == prompt_tokens:
            questions.append(chat)
    return questions


def run_floors(work: Work) -> dict[str, Any]:
    """What this machine allows: seconds of a step's parts at its best product speed and memory bandwidth, bfloat16."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.set_num_threads(work.threads)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(work.folder))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    head = model.get_output_embeddings().weight.numel()
    edge = 8192 if work.device == "cuda" else 2048
    left, right = (torch.randn(edge, edge, device=work.device).bfloat16() for _ in range(2))
    flops = 2 * edge**3 / best_time(lambda: left @ right, work.device)
    block = torch.ones(2**29 if work.device == "cuda" else 2**27, device=work.device)
    bandwidth = block.numel() * 4 / best_time(block.sum, work.device)
    # A completion's last token foretells none.
    tokens = work.prompts * (work.prompt_tokens + work.group * (work.new_tokens - 1))
    answers = work.rows * work.new_tokens
    operations = 2 * (parameters - head) * tokens + 2 * head * answers
    forward = operations / flops
    row_flops = 2 * parameters * work.rows
    decode = (work.new_tokens - 1) * max(2 * parameters / bandwidth, row_flops / flops)
    return {
        "gflops": flops / 1e9,
        "bandwidth_gb": bandwidth / 1e9,
        "operations_train": 3 * operations,
        "parts": {
            "generate": [decode],
            "reference": [forward],
            "train": [3 * forward],
            "step": [decode + 4 * forward],
        },
    }


def best_time(work: Callable[[], Any], device: str) -> float:
    """Shortest of some runs, in seconds."""
    import torch

    times = []
    for _ in range(12):
        begin = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    return min(times)
