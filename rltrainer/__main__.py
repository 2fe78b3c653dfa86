"""python -m rltrainer train|evaluate|sample|preview|export-verl|import-verl RUN_DIR."""

import logging
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from rewardmodel.runtime.model_folders import require_model_folder
from rewardmodel.runtime.priority import lower_priority
from rewardmodel.runtime.process import EXIT_BAD_CONFIG, keep_freed_memory, run_process
from rewardmodel.runtime.run_directory import RunDirectory
from rewardmodel.runtime.usage import Usage
from rltrainer.config import (
    Config,
    ConfigError,
    EvaluateConfig,
    OfflineConfig,
    OnlineConfig,
    SampleConfig,
    parse_config,
)
from rltrainer.config_sections import ModelConfig
from rltrainer.config_warmup import explain_fitted_warmup
from rltrainer.rank_environment import read_place
from rltrainer.rank_process import run_rank
from rltrainer.rank_starter import run_ranks

ConfigT = TypeVar("ConfigT", bound=Config)
log = logging.getLogger(__name__)
USAGE = Usage(
    "rltrainer",
    runs={
        "train": "train a policy (kinds grpo, rloo, dapo, ppo, sft and dpo)",
        "evaluate": "compare a policy with its reference (kind policy-evaluate)",
        "sample": "sample responses of a policy (kind sample)",
    },
    others={
        "preview": ("RUN_DIR [OPTIONS]", "show what a training config makes of one sample, token by token"),
        "export-verl": ("RUN_DIR [OPTIONS]", "write RUN_DIR/verl, a job for verl"),
        "import-verl": ("RUN_DIR [OPTIONS]", "bring policy and metrics of RUN_DIR/verl into RUN_DIR"),
    },
)


def main(argv: Sequence[str]) -> int:
    """The exit code of one command, which may be one process of several or the starter of all of them."""
    if list(argv[:1]) == ["preview"]:
        from rltrainer.preview.command import main as preview

        return preview(argv[1:])
    if argv and argv[0] in ("export-verl", "import-verl"):
        from rltrainer.verl.command import main as verl

        return verl(argv)
    commands = {"train": run_train, "evaluate": run_evaluate, "sample": run_sample}
    try:
        place = read_place()
    except ConfigError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_CONFIG
    if place.count > 1:
        return run_rank(place, "rltrainer", argv, commands, usage=USAGE, complete=_complete)
    if list(argv[:1]) == ["train"] and (count := _processes_wanted(argv)) > 1:
        return run_ranks(count, [sys.executable, "-m", "rltrainer", *argv], RunDirectory(argv[1]))
    return run_process("rltrainer", argv, commands, usage=USAGE, complete=_complete)


def _complete(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return parse_config(mapping).to_dict()


def _processes_wanted(argv: Sequence[str]) -> int:
    """What the config asks for; 1 where it cannot be read, for the single process then says why."""
    try:
        config = parse_config(RunDirectory(argv[1]).read_config())
    except (ConfigError, IndexError):
        return 1
    return config.model.processes


# The commands import torch only after their config has proved good: a wrong key or folder is told at once.
def run_train(directory: RunDirectory) -> None:
    """Train a policy."""
    if isinstance(offline := parse_config(directory.read_config()), OfflineConfig):
        _require_folders(directory, offline.model)
        from rltrainer.offline.trainer import train as train_offline

        train_offline(directory, offline)
        return
    config = _read_config(directory, OnlineConfig, "grpo, rloo, dapo, ppo, sft or dpo")
    if shortened := explain_fitted_warmup(directory.read_config()):
        log.info("%s", shortened)
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
    _require_folders(directory, config.model)
    return config


def _require_folders(directory: RunDirectory, model: ModelConfig) -> None:
    require_model_folder(directory.resolve(model.path), key="model.path")
    if model.reference is not None:
        require_model_folder(directory.resolve(model.reference), key="model.reference")


if __name__ == "__main__":
    keep_freed_memory()
    lower_priority()
    sys.exit(main(sys.argv[1:]))
