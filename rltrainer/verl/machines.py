"""PURE: the machines that a job is written for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Machines:
    """What verl is given to run on."""

    nodes: int = 1
    """Machines."""
    gpus_per_node: int = 8
    """GPUs of each."""
    tensor_parallel: int = 1
    """GPUs that hold one copy of the policy while it samples; more for models that do not fit into one."""

    def faults(self) -> list[str]:
        """What cannot be."""
        found = [f"{name}: must be 1 or more" for name in self.__slots__ if getattr(self, name) < 1]
        if not found and self.nodes * self.gpus_per_node % self.tensor_parallel:
            found.append(f"tensor_parallel: {self.nodes * self.gpus_per_node} GPUs are no multiple of it")
        return found
