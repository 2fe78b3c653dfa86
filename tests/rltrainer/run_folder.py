"""Run directories for tests, and the real command on them."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rewardmodel.config_parsing import with_overrides
from rltrainer.__main__ import main

ROOT = Path(__file__).parents[2]


def make_run(
    folder: Path,
    config: dict[str, Any],
    *,
    prompts: int = 12,
    questions: Sequence[str] | None = None,
    overrides: tuple[str, ...] = (),
) -> Path:
    """A run directory with a config and these questions, or as many short prompts."""
    (folder / "data").mkdir(parents=True)
    rows = [
        {
            "prompt_id": f"q{number}",
            "prompt": [{"role": "user", "content": question}],
            "metadata": {"answer": number},
        }
        for number, question in enumerate(questions or [f"say {n}" + "!" * n for n in range(prompts)])
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "data" / "prompts.jsonl").write_text(text)
    (folder / "config.json").write_text(json.dumps(with_overrides(config, overrides)))
    return folder


def grpo_config(base: Path, **sections: dict[str, Any]) -> dict[str, Any]:
    """A GRPO config that runs in seconds on the tiny model, in float32 on one thread."""
    config: dict[str, Any] = {
        "kind": "grpo",
        "seed": 3,
        "model": {"path": str(base), "precision": "float32", "threads": 1, "device": "cpu"},
        "rollout": {"prompts_per_step": 3, "group_size": 4, "max_new_tokens": 12, "batch_rows": 12},
        "reward": {"brevity_weight": 1.0},
        "optimizer": {"learning_rate": 3e-3, "micro_batch_tokens": 128},
        "evaluation": {"prompts": 2, "samples_per_prompt": 2, "shown_prompts": 1},
        # Looked at in many tests, and gone on from.
        "checkpoint": {"every_steps": 2, "keep_when_done": True},
        "stop": {"steps": 6},
    }
    for name, section in sections.items():
        config[name] = {**config.get(name, {}), **section}
    return config


def start(command: str, folder: Path) -> subprocess.Popen[str]:
    """The real command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "rltrainer", command, str(folder)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(command: str, folder: Path) -> tuple[int, str]:
    """Exit code and reason of the command, in this process: importing torch anew costs seconds."""
    code = main([command, str(folder)])
    return code, read_json(folder / "status.json")["reason"]


def read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def read_rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def ppo_config(base: Path, **sections: dict[str, Any]) -> dict[str, Any]:
    """The same for PPO: one completion a prompt, two steps in which only the critic learns."""
    config = {**grpo_config(base), "kind": "ppo"}
    config["rollout"] = {**config["rollout"], "prompts_per_step": 6, "group_size": 1}
    config["optimizer"] = {**config["optimizer"], "passes": 2, "minibatches": 2}
    config["critic"] = {"warmup_steps": 2, "learning_rate": 3e-3}
    for name, section in sections.items():
        config[name] = {**config.get(name, {}), **section}
    return config
