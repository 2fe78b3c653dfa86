"""A run's configuration as people copy it: in the order in which it is documented, without what the site fills in."""

import dataclasses
import json
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from rewardmodel.config import RewardConfig
from rltrainer.config import KINDS
from trainingruns.configuration import OURS

HEAD = ("schema", "kind")
"""Keys that say what a configuration is; they are no settings of a run."""


def config_file(config: Mapping[str, Any]) -> str:
    """JSON for a file that `run KIND --config` takes; empty where the run has no configuration."""
    return json.dumps(_copyable(config), indent=2, ensure_ascii=False) if config else ""


def config_settings(config: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """By section, each setting as `--set` and the form take it: `section.key=JSON`; plain values stand alone."""
    return [(name, list(_settings(name, value))) for name, value in _copyable(config).items() if name not in HEAD]


def _copyable(config: Mapping[str, Any]) -> dict[str, Any]:
    owner = RewardConfig if config.get("kind") == "reward" else KINDS.get(str(config.get("kind")))
    kept = _without_ours(config)
    ordered = kept if owner is None else _in_order(kept, owner)
    return {**{name: ordered[name] for name in HEAD if name in ordered}, **ordered}


def _without_ours(config: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for section, value in config.items():
        if not isinstance(value, Mapping):
            kept[section] = value
        elif left := {key: each for key, each in value.items() if f"{section}.{key}" not in OURS}:
            kept[section] = left
    return kept


def _in_order(values: Mapping[str, Any], owner: Any) -> dict[str, Any]:
    """The database keeps keys by length; the trainers document them by sense. Keys of another time come last."""
    hints = typing.get_type_hints(owner)
    known = [field.name for field in dataclasses.fields(owner) if field.name in values]
    ordered = {name: values[name] for name in [*known, *(name for name in values if name not in known)]}
    return {
        name: _in_order(value, hints[name])
        if isinstance(value, Mapping) and dataclasses.is_dataclass(hints.get(name))
        else value
        for name, value in ordered.items()
    }


def _settings(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for key, each in value.items():
            yield from _settings(f"{name}.{key}", each)
    else:
        yield f"{name}={json.dumps(value, ensure_ascii=False)}"
