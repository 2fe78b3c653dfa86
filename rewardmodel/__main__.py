"""python -m rewardmodel train|evaluate|score RUN_DIR, fetch-base OUT_DIR, and embed MODEL_DIR SECONDS."""

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from rewardmodel.config import EvaluateConfig, RewardConfig, ScoreConfig, parse_config, read_kind
from rewardmodel.runtime.model_folders import require_model_folder
from rewardmodel.runtime.priority import lower_priority
from rewardmodel.runtime.process import (
    EXIT_BAD_CONFIG,
    EXIT_DONE,
    EXIT_OUR_FAULT,
    describe_end,
    keep_freed_memory,
    log_to_stderr,
    run_process,
)
from rewardmodel.runtime.run_directory import RunDirectory
from rewardmodel.runtime.usage import Usage, asks_for_help

USAGE = Usage(
    "rewardmodel",
    runs={
        "train": "train a reward model on preferences (kind reward)",
        "evaluate": "judge a trained one on held-out preferences (kind reward-evaluate)",
        "score": "score responses with a trained one (kind score)",
    },
    others={
        "fetch-base": ("OUT_DIR", "write SmolLM2-135M-Instruct, a model to start from, as a folder"),
        "embed": ("MODEL_DIR SECONDS", "texts on stdin into vectors on stdout, for at most so long"),
    },
)

# torch is loaded inside the commands and not above: the malloc settings must be in place before it, and a wrong
# command line or config should not wait for it.


def main(argv: Sequence[str]) -> int:
    """The exit code of one command."""
    if argv[:1] in (["fetch-base"], ["embed"]) and asks_for_help(argv):
        print(USAGE.describe())
        return EXIT_DONE
    if argv[:1] == ["fetch-base"]:
        return _fetch_base(argv[1:])
    if argv[:1] == ["embed"]:
        return _embed(argv[1:])
    commands = {"train": _train, "evaluate": _evaluate, "score": _score}
    return run_process(
        "rewardmodel", argv, commands, usage=USAGE, complete=lambda mapping: parse_config(mapping).to_dict()
    )


def _train(directory: RunDirectory) -> None:
    config = read_kind(directory.read_config(), RewardConfig)
    require_model_folder(directory.resolve(config.model.base), key="model.base")
    from rewardmodel.trainer import RewardTrainer

    RewardTrainer(directory, config).run()


def _evaluate(directory: RunDirectory) -> None:
    config = read_kind(directory.read_config(), EvaluateConfig)
    require_model_folder(directory.resolve(config.model.folder), key="model.folder")
    from rewardmodel.commands import evaluate

    evaluate(directory, config)


def _score(directory: RunDirectory) -> None:
    config = read_kind(directory.read_config(), ScoreConfig)
    require_model_folder(directory.resolve(config.model.folder), key="model.folder")
    from rewardmodel.commands import score

    score(directory, config)


def _fetch_base(argv: Sequence[str]) -> int:
    """Put SmolLM2-135M-Instruct into a folder."""
    if len(argv) != 1 or argv[0].startswith("-"):
        print("usage: python -m rewardmodel fetch-base OUT_DIR", file=sys.stderr)
        return EXIT_BAD_CONFIG
    from rewardmodel.runtime.smollm2 import FetchError, fetch_base_model

    log_to_stderr()
    try:
        fetch_base_model(Path(argv[0]))
    except FetchError as error:
        print(error, file=sys.stderr)
        return EXIT_OUR_FAULT
    return EXIT_DONE


def _embed(argv: Sequence[str]) -> int:
    """Texts on stdin into vectors on stdout."""
    if len(argv) != 2 or not argv[1].isdigit():
        print("usage: python -m rewardmodel embed MODEL_DIR SECONDS", file=sys.stderr)
        return EXIT_BAD_CONFIG
    from rewardmodel.embedding import embed_stdin

    log_to_stderr()
    try:
        embed_stdin(Path(argv[0]), seconds=int(argv[1]))
    except Exception as error:
        # The edge of the process: the starter gets the reason as the last line, and the code says whose fault it was.
        _, code, reason = describe_end(error)
        if code == EXIT_OUR_FAULT:
            traceback.print_exc()
        print(" ".join(reason.split()), file=sys.stderr)
        return code
    return EXIT_DONE


if __name__ == "__main__":
    keep_freed_memory()
    lower_priority()
    sys.exit(main(sys.argv[1:]))
