"""The variables by which torchrun, or our own starter, tells a process its rank. Standard library only."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from rewardmodel.config_parsing import ConfigError

LAUNCH = "CONCORD_LAUNCH"
"""The variable with a name that all processes of one launch share and that no other launch has."""


@dataclass(frozen=True, slots=True)
class RankPlace:
    """Which of a run's processes this one is."""

    index: int = 0
    """Its number among all, from 0."""
    count: int = 1
    """How many there are, on all machines."""
    local_index: int = 0
    """Its number on this machine; also that of its GPU."""

    def variables(self, *, port: int, host: str = "127.0.0.1") -> dict[str, str]:
        """The environment that makes a process this rank."""
        return {
            "RANK": str(self.index),
            "WORLD_SIZE": str(self.count),
            "LOCAL_RANK": str(self.local_index),
            "MASTER_ADDR": host,
            "MASTER_PORT": str(port),
        }


def read_place(environment: Mapping[str, str] = os.environ) -> RankPlace:
    """This process's rank; without the variables it is the only one. Raises: ConfigError where they name no rank."""
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    if environment.get("WORLD_SIZE") is None:
        return RankPlace()
    try:
        index, count, local_index = (int(environment[name]) for name in names)
    except (KeyError, ValueError) as error:
        raise ConfigError([f"{' / '.join(names)}: must all be set to whole numbers, as torchrun does"]) from error
    if not 0 <= index < count or local_index < 0:
        raise ConfigError([f"RANK: {index} of WORLD_SIZE {count} with LOCAL_RANK {local_index} is no rank"])
    return RankPlace(index, count, local_index)


def name_launch(name: str) -> None:
    """Note in this process's environment what its ranks have agreed to call their launch."""
    os.environ[LAUNCH] = name


def forget_launch() -> None:
    """Take away a name that was inherited: one of an earlier launch would be worse than none."""
    os.environ.pop(LAUNCH, None)


def read_launch() -> str | None:
    """The name of this launch; None until its ranks have met."""
    return os.environ.get(LAUNCH)
