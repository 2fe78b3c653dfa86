"""Planted preferences: people prefer the answer with more of the letter x, never the one with more y."""

import json
import random
from pathlib import Path
from typing import Any

from tests.tiny_model import make_tiny_model


def make_rows(count: int, *, first_prompt: int, seed: int) -> list[dict[str, Any]]:
    """Preference rows over ten prompts numbered from `first_prompt`."""
    chance = random.Random(seed)
    return [
        {
            "id": f"p{first_prompt}-{index}",
            "prompt_id": str(first_prompt + index % 10),
            "prompt": [{"role": "user", "content": f"question {index % 10}"}],
            "chosen": _word(chance, "x"),
            "rejected": _word(chance, "y"),
            "votes": {"chosen": 4, "rejected": 1, "tie": 0},
        }
        for index in range(count)
    ]


def make_run(
    root: Path, *, train_pairs: int = 48, eval_pairs: int = 20, base: Path | None = None, **sections: Any
) -> Path:
    """A run directory for a reward run on a tiny model, ready to start."""
    (root / "data").mkdir(parents=True)
    write_rows(root / "data/train.jsonl", make_rows(train_pairs, first_prompt=0, seed=1))
    write_rows(root / "data/eval.jsonl", make_rows(eval_pairs, first_prompt=100, seed=2))
    model = base or make_tiny_model(root / "base")
    config = {
        "kind": "reward",
        "model": {"base": str(model)},
        "compute": {"threads": 1, "precision": "float32", "device": "cpu"},
        "training": {"pairs_per_step": 8},
        "optimizer": {"learning_rate": 3e-3},
        "evaluation": {"every_steps": 3, "bootstrap_samples": 100},
        **sections,
    }
    write_config(root, config)
    return root


def write_config(root: Path, config: dict[str, Any]) -> None:
    """Put the configuration into the run directory."""
    (root / "config.json").write_text(json.dumps(config), encoding="utf-8")


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Put rows into a JSON Lines file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _word(chance: random.Random, letter: str) -> str:
    return "".join(chance.choice("abcdef" + 6 * letter) for _ in range(chance.randint(6, 14)))
