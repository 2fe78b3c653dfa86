"""python -m rltrainer train|evaluate|sample RUN_DIR."""

import sys
from collections.abc import Sequence
from typing import TypeVar

from rewardmodel.runtime.process import keep_freed_memory, run_process
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.config import Config, ConfigError, EvaluateConfig, GRPOConfig, SampleConfig, parse_config

ConfigT = TypeVar("ConfigT", bound=Config)


def main(argv: Sequence[str]) -> int:
    """The exit code of one command."""
    return run_process("rltrainer", argv, {"train": run_train, "evaluate": run_evaluate, "sample": run_sample})


# The commands import torch only after their config has proved good: a wrong key is told at once.
def run_train(directory: RunDirectory) -> None:
    """Train a policy."""
    config = _read_config(directory, GRPOConfig, "grpo")
    from rltrainer.trainer import train

    train(directory, config)


def run_evaluate(directory: RunDirectory) -> None:
    """Compare a policy with its reference."""
    config = _read_config(directory, EvaluateConfig, "policy-evaluate")
    from rltrainer.evaluation import evaluate

    evaluate(directory, config)


def run_sample(directory: RunDirectory) -> None:
    """Sample responses."""
    config = _read_config(directory, SampleConfig, "sample")
    from rltrainer.sampling import sample

    sample(directory, config)


def _read_config(directory: RunDirectory, owner: type[ConfigT], kind: str) -> ConfigT:
    config = parse_config(directory.read_config())
    if not isinstance(config, owner):
        raise ConfigError([f"kind: '{config.kind}' is for another command; this one wants '{kind}'"])
    return config


if __name__ == "__main__":
    keep_freed_memory()
    sys.exit(main(sys.argv[1:]))
