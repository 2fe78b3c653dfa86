"""PURE: the machines that a job is written for."""

import math
from dataclasses import dataclass

from rltrainer.config import OnlineConfig


@dataclass(frozen=True, slots=True)
class Machines:
    """What verl is given to run on."""

    nodes: int = 1
    """Machines."""
    gpus_per_node: int = 8
    """GPUs of each."""
    tensor_parallel: int = 1
    """GPUs that hold one copy of the policy while it samples; more for models that do not fit into one."""

    @property
    def gpus(self) -> int:
        """GPUs of all machines together."""
        return self.nodes * self.gpus_per_node

    def faults(self) -> list[str]:
        """What cannot be."""
        found = [f"{name}: must be 1 or more" for name in self.__slots__ if getattr(self, name) < 1]
        if not found and self.gpus % self.tensor_parallel:
            found.append(f"tensor_parallel: {self.gpus} GPUs are no multiple of it")
        return found

    def misfits(self, config: OnlineConfig) -> list[str]:
        """What cannot be shared out among these GPUs: verl's worker wants equal shares of each optimizer step.

        See `train_mini_batch` in its `verl/workers/engine_workers.py`; the critic's minibatches are as large.
        """
        rollout, minibatches = config.rollout, config.optimizer.minibatches
        if self.faults() or rollout.prompts_per_step % minibatches:
            return []  # Told as faults of their own.
        rows = rollout.prompts_per_step // minibatches * rollout.group_size
        if rows % self.gpus == 0:
            return []
        fitting = minibatches * self.gpus // math.gcd(self.gpus, rollout.group_size)
        return [
            f"rollout.prompts_per_step: an optimizer step has {rows} completions ({rollout.prompts_per_step} prompts x "
            f"{rollout.group_size}, in {minibatches} minibatches), which verl cannot share out equally among "
            f"{self.gpus} GPUs; take a multiple of {fitting} prompts, or fewer GPUs"
        ]
