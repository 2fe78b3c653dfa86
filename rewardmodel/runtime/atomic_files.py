"""Files and folders that are there completely or not at all, whenever the machine stops."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

UNFINISHED_PREFIX = ".unfinished-"


def write_json(path: Path, value: Any, *, durable: bool = True) -> None:
    """Replace `path` by the JSON of `value` in one step; `durable` also waits for the disk."""
    unfinished = path.with_name(f"{UNFINISHED_PREFIX}{path.name}")
    with unfinished.open("w", encoding="utf-8") as file:
        file.write(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1) + "\n")
        if durable:
            file.flush()
            os.fsync(file.fileno())
    unfinished.replace(path)
    if durable:
        sync_folder(path.parent)


@contextmanager
def publish_folder(target: Path) -> Iterator[Path]:
    """A scratch folder that becomes `target` in one rename when the block ends well, and vanishes when it does not.

    Every file in it reaches the disk before the rename. An older `target` is replaced.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f"{UNFINISHED_PREFIX}{target.name}")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    try:
        yield scratch
        _sync_tree(scratch)
        _swap(scratch, target)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def sync_folder(folder: Path) -> None:
    """Make the folder's entries (new names, renames) survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _swap(scratch: Path, target: Path) -> None:
    # A folder cannot be renamed over a full one: the old one steps aside first.
    retired = target.with_name(f"{UNFINISHED_PREFIX}old-{target.name}")
    shutil.rmtree(retired, ignore_errors=True)
    if target.exists():
        target.rename(retired)
    scratch.rename(target)
    sync_folder(target.parent)
    shutil.rmtree(retired, ignore_errors=True)


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_dir():
            sync_folder(path)
        else:
            # safetensors writes files that only their owner may read; the site may run as somebody else.
            path.chmod(0o644)
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    sync_folder(folder)
