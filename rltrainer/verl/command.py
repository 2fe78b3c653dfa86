"""python -m rltrainer export-verl|import-verl RUN_DIR."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rewardmodel.records import DataError
from rewardmodel.runtime.faults import Busy
from rewardmodel.runtime.process import EXIT_BAD_CONFIG, EXIT_BAD_DATA, EXIT_BUSY, EXIT_DONE
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.config import ConfigError, OnlineConfig, parse_config
from rltrainer.verl.machines import Machines
from rltrainer.verl.unused import list_unused


def main(argv: Sequence[str]) -> int:
    """The exit code of one of the two commands."""
    arguments = _parser().parse_args(argv)
    directory = RunDirectory(arguments.run_directory)
    if not directory.root.is_dir():
        print(f"{directory.root}: there is no such run directory", file=sys.stderr)
        return EXIT_BAD_CONFIG
    try:
        with directory.locked():
            print(
                _export(directory, arguments) if arguments.command == "export-verl" else _import(directory, arguments)
            )
    except ConfigError as error:
        print("\n".join(error.faults), file=sys.stderr)
        return EXIT_BAD_CONFIG
    except DataError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_DATA
    except Busy as error:
        print(error, file=sys.stderr)
        return EXIT_BUSY
    return EXIT_DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rltrainer")
    commands = parser.add_subparsers(dest="command", required=True)
    export = commands.add_parser("export-verl", help="write RUN_DIR/verl, a job for verl")
    export.add_argument("run_directory", type=Path)
    export.add_argument("--nodes", type=int, default=1, help="machines")
    export.add_argument("--gpus-per-node", type=int, default=8, help="GPUs of each machine")
    export.add_argument("--tensor-parallel", type=int, default=1, help="GPUs that share one copy while sampling")
    back = commands.add_parser("import-verl", help="bring policy and metrics of RUN_DIR/verl into RUN_DIR")
    back.add_argument("run_directory", type=Path)
    back.add_argument("--log", type=Path, help="verl's console output, where it wrote no file of metrics")
    return parser


def _read_config(directory: RunDirectory) -> OnlineConfig:
    config = parse_config(directory.read_config())
    if not isinstance(config, OnlineConfig):
        raise ConfigError([f"kind: '{config.kind}' is not for verl; take grpo, rloo, dapo or ppo"])
    return config


def _export(directory: RunDirectory, arguments: argparse.Namespace) -> str:
    config = _read_config(directory)
    # After the config has proved good: torch takes seconds to load.
    from rltrainer.verl.export import export_job

    for sentence in list_unused(config):
        print(sentence, file=sys.stderr)
    machines = Machines(arguments.nodes, arguments.gpus_per_node, arguments.tensor_parallel)
    job = export_job(directory, config, machines)
    return f"wrote {job}; train with: sh {job / 'run.sh'}"


def _import(directory: RunDirectory, arguments: argparse.Namespace) -> str:
    config = _read_config(directory)
    from rltrainer.verl.importing import import_job

    if directory.is_complete:
        raise ConfigError([f"{directory.result_path}: the run is complete; bring verl's outcome into a run of its own"])
    result, sentences = import_job(directory, config, log=arguments.log)
    for sentence in sentences:
        print(sentence, file=sys.stderr)
    return json.dumps(result)


COMMANDS = {"export-verl": _export, "import-verl": _import}
