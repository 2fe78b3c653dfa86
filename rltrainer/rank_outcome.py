"""How one process of a run ended, in a file that its starter reads. Standard library only."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rewardmodel.runtime.atomic_files import write_json
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.rank_environment import RankPlace, read_launch


class RankLost(RuntimeError):
    """Another process of the run is gone or does not answer."""


@dataclass(frozen=True, slots=True)
class RankOutcome:
    """The end of a process that did not end well."""

    code: int
    """Its exit code."""
    reason: str
    """Why, in plain words."""
    follows_another: bool = False
    """True where it ended because another rank was gone."""
    launch: str | None = None
    """What the ranks of its launch have agreed to call it; None where it ended before they met."""


def write_outcome(directory: RunDirectory, index: int, outcome: RankOutcome) -> None:
    """Leave it for the starter."""
    path = _path(directory, index)
    path.parent.mkdir(exist_ok=True)
    write_json(path, asdict(outcome))


def read_outcome(directory: RunDirectory, index: int) -> RankOutcome | None:
    """What that rank left; None where it left nothing."""
    try:
        return RankOutcome(**json.loads(_path(directory, index).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def forget_outcomes(directory: RunDirectory) -> None:
    """Take away what an earlier start left."""
    for path in _folder(directory).glob("rank-*.json"):
        path.unlink()


def forget_outcome(directory: RunDirectory, index: int) -> None:
    """Take away what that rank left at an earlier start."""
    _path(directory, index).unlink(missing_ok=True)


def find_cause(directory: RunDirectory, place: RankPlace) -> str | None:
    """What another rank has said why it ended, where it did not only follow; None where none has said anything.

    A rank leaves its outcome before it ends, so that whoever has lost it can read it. Only an outcome of this very
    launch counts: one of an earlier launch may lie there still, where that rank was killed before its command began
    and could take it away. Before the ranks have met nothing tells the two apart, so no cause is named.
    """
    launch = read_launch()
    if launch is None:
        return None
    for index in range(place.count):
        outcome = None if index == place.index else read_outcome(directory, index)
        if outcome is not None and outcome.launch == launch and not outcome.follows_another:
            return f"process {index} of {place.count}: {outcome.reason}"
    return None


def _folder(directory: RunDirectory) -> Path:
    return directory.root / "ranks"


def _path(directory: RunDirectory, index: int) -> Path:
    return _folder(directory) / f"rank-{index}.json"
