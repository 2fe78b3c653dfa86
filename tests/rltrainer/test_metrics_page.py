"""docs/metrics.md explains every number that a run of any kind writes."""

import re
from pathlib import Path

import pytest

from rltrainer.config import KINDS
from tests.rltrainer.offline.run_folder import make_offline_run, offline_config
from tests.rltrainer.run_folder import grpo_config, make_run, ppo_config, read_json, read_rows, run

DOCS = Path(__file__).parents[2] / "docs"
PARTS = ("brevity", "number", "overlong", "watched")
"""Reward parts of the runs here; the page names each part once, for all metrics that are made of them."""
STEP = {"stop": {"steps": 1}}
SETTINGS = {
    "grpo": {
        "optimizer": {"passes": 2, "minibatches": 2},
        "loss": {"clip_dual": 3.0},
        "reward": {"number_weight": 1.0, "watched_function": "tests.rltrainer.rewards.answers:count_texts"},
    },
    "rloo": {},
    "dapo": {"dynamic_sampling": {"stale_steps": 1}},
}


def _make(kind, base, folder):
    if kind in ("sft", "dpo"):
        return "train", make_offline_run(folder, offline_config(kind, base, training={"max_steps": 2}))
    if kind == "ppo":
        return "train", make_run(folder, ppo_config(base, critic={"kind": "shared", "warmup_steps": 0}, **STEP))
    if kind == "sample":
        config = {"kind": kind, "model": _model(base), "sampling": {"responses_per_prompt": 1, "max_new_tokens": 4}}
        return "sample", make_run(folder, config)
    if kind == "policy-evaluate":
        config = {
            "kind": kind,
            "model": {**_model(base), "reference": str(base)},
            "sampling": {"responses_per_prompt": 2, "max_new_tokens": 4},
            "reward": {"number_weight": 1.0},
        }
        return "evaluate", make_run(folder, config)
    champion = {"evaluation": {"champion": str(base)}}
    return "train", make_run(folder, {**grpo_config(base, **SETTINGS[kind], **STEP, **champion), "kind": kind})


def _model(base):
    return {"path": str(base), "precision": "float32", "threads": 1, "device": "cpu"}


def _explained():
    """All names in code quotes on the page; `reward_<part>` stands for each part that it lists."""
    text = (DOCS / "metrics.md").read_text()
    names = set(re.findall(r"`([a-z][a-z0-9_]*)`", text))
    return names | {f"reward_{part}{end}" for part in PARTS if part in names for end in ("", "_std")}


@pytest.mark.parametrize("kind", KINDS)
def test_every_number_that_a_run_writes_is_explained(kind, base, tmp_path):
    command, folder = _make(kind, base, tmp_path / "run")
    assert run(command, folder) == (0, "")
    written = set()
    if (folder / "metrics.jsonl").exists():
        written = {name for row in read_rows(folder / "metrics.jsonl") for name in row["values"]}
    written |= set(read_json(folder / "result.json")) - {"kind"}
    assert written
    assert written - _explained() == set()
