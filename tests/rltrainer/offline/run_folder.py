"""Run directories of kinds `sft` and `dpo` on planted records."""

import json
import random
from pathlib import Path
from typing import Any

from tests.rewardmodel.preferences import make_rows, write_rows


def make_examples(count: int, *, first_prompt: int, seed: int) -> list[dict[str, Any]]:
    """Example rows over ten prompts numbered from `first_prompt`, whose responses are full of the letter x."""
    chance = random.Random(seed)
    return [
        {
            "id": f"e{first_prompt}-{index}",
            "prompt_id": str(first_prompt + index % 10),
            "prompt": [{"role": "user", "content": f"question {index % 10}"}],
            "response": "".join(chance.choice("abxxxxxx") for _ in range(chance.randint(4, 14))),
            "origin": "chosen",
            "judgments": [index],
        }
        for index in range(count)
    ]


def offline_config(kind: str, base: Path, **sections: dict[str, Any]) -> dict[str, Any]:
    """A config that runs in seconds on the tiny model, in float32 on one thread."""
    config: dict[str, Any] = {
        "kind": kind,
        "seed": 3,
        "model": {"path": str(base), "precision": "float32", "threads": 1, "device": "cpu"},
        "training": {"records_per_step": 8, "max_steps": 6, "epochs": 2},
        "optimizer": {"learning_rate": 3e-3, "micro_batch_tokens": 128},
        "evaluation": {"every_steps": 2, "monitor_records": 4, "shown_prompts": 2, "max_new_tokens": 8},
        # Looked at in many tests, and gone on from.
        "checkpoint": {"every_steps": 2, "keep_when_done": True},
    }
    for name, section in sections.items():
        config[name] = {**config.get(name, {}), **section}
    return config


def make_offline_run(folder: Path, config: dict[str, Any], *, train: int = 32, held_out: int = 12) -> Path:
    """A run directory with records of the config's kind."""
    (folder / "data").mkdir(parents=True)
    if config["kind"] == "sft":
        write_rows(folder / "data/sft_train.jsonl", make_examples(train, first_prompt=0, seed=1))
        write_rows(folder / "data/sft_eval.jsonl", make_examples(held_out, first_prompt=100, seed=2))
    else:
        write_rows(folder / "data/train.jsonl", make_rows(train, first_prompt=0, seed=1))
        write_rows(folder / "data/eval.jsonl", make_rows(held_out, first_prompt=100, seed=2))
    (folder / "config.json").write_text(json.dumps(config))
    return folder
