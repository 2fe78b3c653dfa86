"""Runs in a process of its own: verl's config classes read the jobs named as arguments.

verl imports what a cluster needs (ray, vllm, ...) before it gets to its classes; empty modules stand in for those.
Prints one JSON line a job.
"""

import importlib.abc
import importlib.machinery
import json
import sys
import types
from pathlib import Path
from typing import Any

ABSENT = ("ray", "tensordict", "vllm", "datasets", "codetiming", "dill", "torchdata", "cachetools", "transfer_queue")


class _Empty(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {"__init__": lambda self, *arguments, **named: None})


class _StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] not in ABSENT:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module = _Empty(spec.name)
        module.__path__, module.__version__ = [], "0.10.0"
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        pass


def read_job(job: Path, defaults: Path) -> dict[str, Any]:
    """What verl's classes make of a job."""
    from hydra import compose, initialize_config_dir
    from verl.utils.config import omega_conf_to_dataclass

    with initialize_config_dir(config_dir=str(job), version_base=None):
        config = compose(config_name="job", overrides=[f"hydra.searchpath=[file://{defaults}]"])
    policy = config.actor_rollout_ref
    actor = omega_conf_to_dataclass(policy.actor)
    actor.validate(16, config.data.train_batch_size, {})
    read = [actor, omega_conf_to_dataclass(policy.rollout), omega_conf_to_dataclass(policy.model)]
    read.append(omega_conf_to_dataclass(config.algorithm))
    if config.algorithm.adv_estimator == "gae":
        read.append(omega_conf_to_dataclass(config.critic))
    return {
        "classes": [type(part).__name__ for part in read],
        "learning_rate": actor.optim.lr,
        "strategy": actor.engine.strategy,
        "loss_mode": actor.policy_loss.loss_mode,
        "group_size": read[1].n,
    }


if __name__ == "__main__":
    sys.meta_path.insert(0, _StandIns())
    for name in sys.argv[2:]:
        print(json.dumps(read_job(Path(name), Path(sys.argv[1]))))
