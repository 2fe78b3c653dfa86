"""The process frame of both trainers: one run directory in, an exit code and a status out."""

import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rewardmodel.config_differences import list_differences
from rewardmodel.config_parsing import ConfigError
from rewardmodel.records import DataError
from rewardmodel.runtime.faults import Busy, Cancelled, Diverged
from rewardmodel.runtime.run_directory import RunDirectory
from rewardmodel.runtime.status import State
from rewardmodel.runtime.storage_faults import describe_storage_fault
from rewardmodel.runtime.usage import Usage, asks_for_help

Command = Callable[[RunDirectory], None]
Complete = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Puts the defaults into a config. Raises: ConfigError."""

EXIT_DONE = 0
EXIT_OUR_FAULT = 1
EXIT_BAD_CONFIG = 2
EXIT_BAD_DATA = 3
EXIT_DIVERGED = 4
EXIT_BUSY = 75
EXIT_CANCELLED = 130

# glibc gives freed memory back to the kernel and faults it in again at every step, 4 KiB at a time: that took up to a
# third of a step on a CPU. So no tensor is a mapping of its own, however large: the gradient of SmolLM2's embeddings
# alone cost a quarter of a second a step. Pages are to be huge. All threads take from one arena: what one has freed in
# its own no other could use, which took a third more memory.
MALLOC_HINTS = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**36),
    "MALLOC_TOP_PAD_": str(2**26),
    "MALLOC_ARENA_MAX": "1",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}

log = logging.getLogger(__name__)


def run_process(
    program: str,
    argv: Sequence[str],
    commands: Mapping[str, Command],
    *,
    usage: Usage | None = None,
    complete: Complete = dict,
) -> int:
    """Run `<program> COMMAND RUN_DIR` and give the exit code that docs/run-directory.md promises.

    usage: of the whole program, where it has more commands than these. complete: for comparing configs.
    """
    log_to_stderr()
    told = (usage or Usage(program, dict.fromkeys(commands, "works on a run directory"), {})).describe()
    if asks_for_help(argv):
        print(told)
        return EXIT_DONE
    if len(argv) != 2 or argv[0] not in commands:
        print(told, file=sys.stderr)
        return EXIT_BAD_CONFIG
    if not Path(argv[1]).is_dir():
        print(f"{argv[1]}: there is no such run directory", file=sys.stderr)
        return EXIT_BAD_CONFIG
    return _run(commands[argv[0]], RunDirectory(argv[1]), complete)


def keep_freed_memory() -> None:
    """Start this very command again with glibc told to keep freed memory; must run before torch is loaded.

    The settings are read by glibc when the process starts, hence the exec; the process id stays the same.
    """
    if not sys.platform.startswith("linux") or all(name in os.environ for name in MALLOC_HINTS):
        return
    sys.stderr.flush()
    os.execve(sys.executable, sys.orig_argv, {**MALLOC_HINTS, **os.environ})  # noqa: S606 - our own command line


def log_to_stderr() -> None:
    """Log lines with time and level on stderr, which the starter keeps as `log.txt`."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)


def _run(command: Command, directory: RunDirectory, complete: Complete) -> int:
    try:
        with directory.locked():
            if directory.is_complete:
                return _say_complete(directory, complete)
            directory.cancellation.listen()
            with directory.status:
                return _supervise(command, directory)
    except Busy as busy:
        # The other process owns status.json: it must stay as it is.
        log.warning("%s", busy)
        return EXIT_BUSY
    except PermissionError as error:
        print(f"the run directory cannot be written: {error}", file=sys.stderr)
        return EXIT_BAD_CONFIG
    except OSError as error:
        print(describe_end(error)[2], file=sys.stderr)
        return EXIT_OUR_FAULT


def _say_complete(directory: RunDirectory, complete: Complete) -> int:
    """Nothing is done. Where the config is no longer the one of the result, that would be another run: code 2."""
    if directory.read_state() != "succeeded":
        # The process that wrote the result was killed before it could say so.
        directory.status.update(state="succeeded", message="done")
    directory.remove_dropped_checkpoints()
    if fault := _compare_configs(directory, complete):
        log.error("%s is complete, but %s", directory.root, fault)
        return EXIT_BAD_CONFIG
    log.info("%s is complete: result.json is there, nothing to do", directory.root)
    return EXIT_DONE


def _compare_configs(directory: RunDirectory, complete: Complete) -> str:
    """What the config has other than the one of the result; empty where they are the same."""
    try:
        finished = directory.read_finished_config()
        if finished is None:
            return ""  # A result of before left none.
        differences = list_differences(complete(finished), complete(directory.read_config()))
    except ConfigError as error:
        return f"not comparable with its config.json: {error}"
    if not differences:
        return ""
    told = ", ".join(each.describe(then="then", now="now") for each in differences)
    return f"config.json was changed since: {told}; nothing is done; use a new run directory"


def _supervise(command: Command, directory: RunDirectory) -> int:
    try:
        command(directory)
    except BaseException as error:
        state, code, reason = describe_end(error)
        if code == EXIT_OUR_FAULT:
            traceback.print_exc()
        return _end(directory, state, code, reason)
    return _end(directory, "succeeded", EXIT_DONE, "")


def describe_end(error: BaseException) -> tuple[State, int, str]:
    """State, exit code and reason of a run that this exception ended."""
    match error:
        case ConfigError():
            return "failed", EXIT_BAD_CONFIG, "bad config: " + "\n".join(error.faults)
        case DataError():
            return "failed", EXIT_BAD_DATA, f"bad data: {error}"
        case Diverged():
            return "failed", EXIT_DIVERGED, f"diverged: {error}"
        case Cancelled():
            return "cancelled", EXIT_CANCELLED, str(error)
    reason = describe_storage_fault(error) or f"internal error: {type(error).__name__}: {error}"
    return "failed", EXIT_OUR_FAULT, reason


def _end(directory: RunDirectory, state: State, code: int, reason: str) -> int:
    # How it ended must be told first: a launcher that has seen one process go ends the others within milliseconds.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if reason:
        log.error("%s", reason)
    try:
        directory.status.update(state=state, reason=reason, message=reason or "done")
    except OSError as error:
        # The exit code and the log still say how it ended.
        log.warning("status.json cannot be written: %s", error)
    # From here on a signal finds a run that has ended: let it end the process.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return code
