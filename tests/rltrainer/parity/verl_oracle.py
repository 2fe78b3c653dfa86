"""The published formulas of verl, loaded from its files without what else verl needs to run."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

ORACLES = Path(sys.prefix) / "oracles"


@dataclass
class ActorConfig:
    """The fields of verl's class of this name that its losses read."""

    clip_ratio: float = 0.2
    clip_ratio_low: float | None = None
    clip_ratio_high: float | None = None
    clip_ratio_c: float = 3.0
    global_batch_info: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str, default: Any) -> Any:
        """As of a mapping."""
        return getattr(self, name, default)


@cache
def core_algos() -> ModuleType:
    """verl's module of losses and advantages."""
    with _stand_ins():
        _load("verl.utils.torch_functional", "verl/utils/torch_functional.py")
        return _load("verl.trainer.ppo.core_algos", "verl/trainer/ppo/core_algos.py")


@cache
def torch_functional() -> ModuleType:
    """verl's module of masked sums."""
    return core_algos().verl_F


@contextmanager
def _stand_ins() -> Iterator[None]:
    """Names that the two files import but these tests never call, for as long as they are loaded."""
    named: dict[str, dict[str, Any]] = {
        "omegaconf": {"DictConfig": dict},
        "tensordict": {"TensorDict": dict},
        "verl": {},
        "verl.utils": {"as_torch_index": None, "group_mean_std": None},
        "verl.utils.device": {"get_device_name": lambda: "cpu", "get_torch_device": None},
        "verl.utils.import_utils": {"deprecated": _leave},
        "verl.trainer": {},
        "verl.trainer.config": {"AlgoConfig": type("AlgoConfig", (), {})},
        "verl.trainer.ppo": {},
        "verl.workers": {},
        "verl.workers.config": {"ActorConfig": ActorConfig},
    }
    before = dict(sys.modules)
    for name, values in named.items():
        module = ModuleType(name)
        module.__dict__.update(values, __path__=[])
        sys.modules[name] = module
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] in {"verl", "omegaconf", "tensordict"}]:
            del sys.modules[name]
        sys.modules.update({name: module for name, module in before.items() if name not in sys.modules})


def _leave(_: str) -> Callable[[Any], Any]:
    return lambda decorated: decorated


def _load(name: str, path: str) -> ModuleType:
    file = ORACLES / path
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing: run `make setup`, which unpacks the oracles of these tests")
    specification = importlib.util.spec_from_file_location(name, file)
    if specification is None or specification.loader is None:
        raise ImportError(f"{file} cannot be loaded")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    parent, _, last = name.rpartition(".")
    setattr(sys.modules[parent], last, module)
    return module
