"""Complete checkpoints: safetensors for tensors, JSON for the rest, published in one rename."""

import json
import logging
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from rewardmodel.config_parsing import ConfigError
from rewardmodel.records import DataError
from rewardmodel.runtime.atomic_files import UNFINISHED_PREFIX, publish_folder, write_json
from rewardmodel.runtime.checksums import Checksums, checksum

TensorGroup = Mapping[str, Tensor]
KEPT_CHECKPOINTS = 2
SCHEMA = 1
"""Version of the form of a checkpoint's folder."""
_FOLDER_NAME = re.compile(r"step-(\d{6,})")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint holds."""

    step: int
    """Steps done when it was written."""
    tensors: dict[str, dict[str, Tensor]]
    """Tensors by group, for instance `model`, `optimizer`, `rng`."""
    state: dict[str, Any]
    """Everything that is no tensor."""
    folder: Path
    """Where it was read."""


def save_checkpoint(
    root: Path, step: int, *, tensors: Mapping[str, TensorGroup], state: Mapping[str, Any], keep: int = KEPT_CHECKPOINTS
) -> Path:
    """Write `step-NNNNNN` under `root` completely or not at all, then drop all but the newest `keep`.

    `checkpoint.json` in it tells the size and the CRC-32 of every other file.
    """
    target = root / f"step-{step:06d}"
    with publish_folder(target) as folder, Checksums() as checksums:
        for group, members in tensors.items():
            owned = {name: tensor.detach().contiguous() for name, tensor in members.items()}
            save_file(owned, folder / f"{group}.safetensors")
            checksums.add(folder / f"{group}.safetensors")
        write_json(folder / "state.json", dict(state))
        checksums.add(folder / "state.json")
        index = {"schema": SCHEMA, "step": step, "groups": list(tensors)}
        sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
        write_json(folder / "checkpoint.json", {**index, "sizes": sizes, "crc32": checksums.values()})
    for stale in _folders(root)[:-keep]:
        shutil.rmtree(stale)
    return target


def load_newest_checkpoint(root: Path) -> Checkpoint | None:
    """The newest checkpoint that is whole; None where there is none. Each damaged one is told in the log.

    What a kill left half written is deleted: nobody would ever finish it, and it is as large as a checkpoint.
    Raises: ConfigError where its form is another version's.
    """
    for unfinished in root.glob(f"{UNFINISHED_PREFIX}*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    folders = _folders(root)
    for folder in reversed(folders):
        damage = _find_damage(folder)
        if not damage:
            try:
                return load_checkpoint(folder)
            except SafetensorError as error:
                damage = f"its tensors cannot be read: {error}"
        log.warning("%s is damaged and passed over: %s", folder, damage)
    if folders:
        log.warning("no checkpoint in %s is whole: the run starts from its beginning", root)
    return None


def load_checkpoint(folder: Path) -> Checkpoint:
    """The checkpoint in one folder, tensors on the CPU. Raises: ConfigError where its form is another version's."""
    index = json.loads((folder / "checkpoint.json").read_text(encoding="utf-8"))
    if index.get("schema") != SCHEMA:
        raise _foreign(folder, f"its schema is {index.get('schema')}, and {SCHEMA} is known here")
    tensors = {group: load_file(folder / f"{group}.safetensors") for group in index["groups"]}
    return Checkpoint(index["step"], tensors, json.loads((folder / "state.json").read_text(encoding="utf-8")), folder)


@contextmanager
def restoring(checkpoint: Checkpoint) -> Iterator[None]:
    """Around all that puts a checkpoint's state back: what another version wrote may have another shape.

    Raises: ConfigError that names the folder and says what to do, in place of the bare error of whatever met the shape.
    """
    try:
        yield
    except (ConfigError, DataError):
        raise  # They say themselves what is wrong.
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise _foreign(checkpoint.folder, f"{type(error).__name__}: {error}") from error


def _foreign(folder: Path, why: str) -> ConfigError:
    return ConfigError(
        [
            f"{folder}: this version of the trainer cannot go on from the checkpoint ({why}); go on with the version "
            "that wrote it, or start the run anew in a new run directory"
        ]
    )


def _folders(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    found = [(int(match[1]), path) for path in root.iterdir() if (match := _FOLDER_NAME.fullmatch(path.name))]
    return [path for _, path in sorted(found)]


def _find_damage(folder: Path) -> str:
    """What the disk has lost or changed since the checkpoint was written; empty where it is whole."""
    try:
        index = json.loads((folder / "checkpoint.json").read_text(encoding="utf-8"))
        sizes = dict(index["sizes"])
        # Checkpoints of before tell none.
        sums = dict(index.get("crc32", {}))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        return f"checkpoint.json cannot be read: {type(error).__name__}: {error}"
    for name, size in sizes.items():
        try:
            found = (folder / name).stat().st_size
            if found != size:
                return f"{name} has {found} bytes and was written with {size}"
            if name in sums and checksum(folder / name) != sums[name]:
                return f"{name} holds other bytes than were written (its CRC-32 differs)"
        except OSError as error:
            return f"{name} cannot be read: {error}"
    return ""
