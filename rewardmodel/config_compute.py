"""Where a reward-model run computes. Standard library only."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ComputeConfig:
    """Where and how precisely to compute."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto` takes a GPU where there is one."""
    precision: Literal["auto", "bfloat16", "float32"] = "auto"
    """Precision of the network's arithmetic; the trained weights have a float32 master in any case."""
    threads: int | None = None
    """CPU threads; null takes OMP_NUM_THREADS or else all cores this process may use, less one on a busy machine."""

    def validate(self) -> Iterator[str]:
        """Faults, each beginning with its key."""
        if self.threads is not None and self.threads < 1:
            yield f"threads: must be at least 1, got {self.threads}"
