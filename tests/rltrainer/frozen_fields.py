"""Writes the fields of every kind of policy run, so that a test notices a change that nobody meant."""

import json
from pathlib import Path
from typing import Any

from rltrainer.config import KINDS, parse_config

MINIMAL: dict[str, dict[str, Any]] = {
    **{kind: {"model": {"path": "m"}, "reward": {"brevity_weight": 1.0}} for kind in ("grpo", "rloo", "dapo", "ppo")},
    "sft": {"model": {"path": "m"}},
    "dpo": {"model": {"path": "m"}},
    "sample": {"model": {"path": "m"}},
    "policy-evaluate": {"model": {"path": "m", "reference": "r"}, "reward": {"model": "rm"}},
}
"""The least that each kind must be told."""


def list_fields(kind: str) -> dict[str, list[str] | None]:
    """The fields of each section of a kind, None for what is no section."""
    saved = parse_config({"kind": kind, **MINIMAL[kind]}).to_dict()
    return {name: list(section) if isinstance(section, dict) else None for name, section in saved.items()}


if __name__ == "__main__":
    fields = {kind: list_fields(kind) for kind in KINDS}
    Path(__file__).with_suffix(".json").write_text(json.dumps(fields, indent=1) + "\n")
