"""python -m rltrainer preview RUN_DIR: what the configuration makes of one sample. It leaves the run as it is."""

import argparse
import json
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rewardmodel.config_parsing import ConfigError
from rewardmodel.records import DataError
from rewardmodel.runtime.atomic_files import write_json
from rewardmodel.runtime.cancellation import Cancellation
from rewardmodel.runtime.faults import Diverged
from rewardmodel.runtime.process import EXIT_BAD_CONFIG, EXIT_BAD_DATA, EXIT_DIVERGED, EXIT_DONE
from rewardmodel.runtime.run_directory import RunDirectory
from rewardmodel.runtime.status import StatusWriter
from rltrainer.config import OfflineConfig, OnlineConfig, parse_config
from rltrainer.preview.records import Preview

FILE_NAME = "preview.json"


def main(argv: Sequence[str]) -> int:
    """The exit code; the preview goes to stdout, what is wrong to stderr."""
    options = _parse(argv)
    # Warnings alone: stdout and stderr are for somebody who waits.
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s", stream=sys.stderr)
    if not options.run_dir.is_dir():
        print(f"{options.run_dir}: there is no such run directory", file=sys.stderr)
        return EXIT_BAD_CONFIG
    try:
        preview = preview_run(
            options.run_dir, prompt=options.prompt, completion=options.completion, response=options.response
        )
    except ConfigError as error:
        print("bad config: " + "\n".join(error.faults), file=sys.stderr)
        return EXIT_BAD_CONFIG
    except DataError as error:
        print(f"bad data: {error}", file=sys.stderr)
        return EXIT_BAD_DATA
    except Diverged as error:
        print(f"diverged: {error}", file=sys.stderr)
        return EXIT_DIVERGED
    _show(preview, options)
    return EXIT_DONE


def preview_run(folder: Path, *, prompt: int = 0, completion: int = 0, response: str | None = None) -> Preview:
    """The preview of a run directory, which is only read; a run may be at work on it.

    Raises: ConfigError, DataError or Diverged as a run would.
    """
    with tempfile.TemporaryDirectory() as aside:
        directory = RunDirectory(folder)
        directory.status = StatusWriter(Path(aside) / "status.json")
        directory.cancellation = Cancellation(Path(aside) / "cancel")
        config = parse_config(directory.read_config())
        # torch is loaded only after the config has proved good.
        if isinstance(config, OnlineConfig):
            from rltrainer.preview.online import preview_online

            return preview_online(directory, config, prompt=prompt, completion=completion, response=response)
        if isinstance(config, OfflineConfig):
            if response is not None:
                raise ConfigError([f"--response: kind '{config.kind}' learns from the responses of its records"])
            from rltrainer.preview.offline import preview_offline

            return preview_offline(directory, config, record=prompt)
        raise ConfigError([f"kind: '{config.kind}' trains nothing; a preview is for runs that do"])


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m rltrainer preview", description=__doc__)
    parser.add_argument("run_dir", type=Path, metavar="RUN_DIR")
    parser.add_argument("--prompt", type=int, default=0, metavar="N", help="the prompt or record, counted from 0")
    parser.add_argument("--completion", type=int, default=0, metavar="N", help="which of its group, counted from 0")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--response", metavar="TEXT", help="look at this text in place of a sampled completion")
    source.add_argument("--sample", action="store_true", help="look at what the policy answers (the default)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    parser.add_argument("--save", action="store_true", help=f"write RUN_DIR/{FILE_NAME} as well")
    return parser.parse_args(list(argv))


def _show(preview: Preview, options: argparse.Namespace) -> None:
    from rltrainer.preview.table import format_preview

    if options.save:
        write_json(options.run_dir / FILE_NAME, preview.to_dict())
    print(json.dumps(preview.to_dict(), ensure_ascii=False) if options.json else format_preview(preview))
