"""The frame of one process among several: the first writes the run directory, the others only read it."""

import logging
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rewardmodel.runtime.process import EXIT_DONE, EXIT_OUR_FAULT, Command, Complete, describe_end, run_process
from rewardmodel.runtime.run_directory import RunDirectory
from rewardmodel.runtime.status import StatusWriter
from rewardmodel.runtime.usage import Usage
from rltrainer.rank_environment import RankPlace, forget_launch, read_launch
from rltrainer.rank_outcome import RankLost, RankOutcome, find_cause, forget_outcome, write_outcome


class SilentStatus(StatusWriter):
    """Remembers and writes nothing: `status.json` is the first rank's."""

    def update(self, **changes: Any) -> None:
        """Change the named fields."""
        self.current = replace(self.current, **changes)


class BystanderDirectory(RunDirectory):
    """A run directory that another process writes."""

    def __init__(self, root: Path | str) -> None:
        super().__init__(root)
        self.status = SilentStatus(self.root / "status.json")

    def append_metrics(self, step: int, values: Mapping[str, float | None]) -> None:
        """Nothing: the first rank has the same numbers."""

    def append_sample(self, row: Mapping[str, Any]) -> None:
        """Nothing: the first rank has the same samples."""

    def forget_after(self, step: int) -> None:
        """Nothing: the first rank does it."""

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Nothing: the first rank does it."""


def run_rank(
    place: RankPlace,
    program: str,
    argv: Sequence[str],
    commands: Mapping[str, Command],
    *,
    usage: Usage | None = None,
    complete: Complete = dict,
) -> int:
    """The exit code of this process; why it failed is left for the starter and for the other ranks."""
    watched = {name: _leave_outcome(command, place) for name, command in commands.items()}
    if place.index == 0:
        return run_process(program, argv, watched, usage=usage, complete=complete)
    # Warnings alone: the first rank tells the rest, and they share one log.
    line = f"%(asctime)s %(levelname)s process {place.index}: %(message)s"
    logging.basicConfig(level=logging.WARNING, format=line, stream=sys.stderr)
    if len(argv) != 2 or argv[0] not in commands or not Path(argv[1]).is_dir():
        return EXIT_OUR_FAULT  # The first rank, which has the same arguments, says what is wrong with them.
    return _follow(watched[argv[0]], BystanderDirectory(argv[1]))


def _follow(command: Command, directory: RunDirectory) -> int:
    if directory.is_complete:
        return EXIT_DONE
    directory.cancellation.listen()
    try:
        command(directory)
    except BaseException as error:
        code = describe_end(error)[1]
        if code == EXIT_OUR_FAULT:
            traceback.print_exc(file=sys.stderr)
        return code
    return EXIT_DONE


def _leave_outcome(command: Command, place: RankPlace) -> Callable[[RunDirectory], None]:
    def watched(directory: RunDirectory) -> None:
        forget_launch()
        forget_outcome(directory, place.index)
        try:
            command(directory)
        except BaseException as error:
            _, code, reason = describe_end(error)
            outcome = RankOutcome(code, reason, isinstance(error, RankLost), read_launch())
            write_outcome(directory, place.index, outcome)
            # torchrun does not say in status.json which rank failed first, as our own starter does.
            if isinstance(error, RankLost) and (cause := find_cause(directory, place)) is not None:
                raise RankLost(cause) from error
            raise

    return watched
