"""PURE: reading what a trainer writes while it writes: JSON Lines by their new part, and status.json."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LOG_TAIL_BYTES = 6000


@dataclass(frozen=True, slots=True)
class NewLines:
    """What a file has gained since the last look."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    is_whole: bool = False
    """The file was read from its beginning: what was known of it before no longer counts."""


class GrowingFile:
    """A JSON Lines file that a trainer appends to, and replaces when it resumes from a checkpoint."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._inode = 0
        self._offset = 0

    def read_new(self) -> NewLines:
        """Complete lines since the last call; a line still being written waits for the next one."""
        try:
            with self.path.open("rb") as file:
                return self._read(file.fileno())
        except FileNotFoundError:
            return NewLines()

    def _read(self, descriptor: int) -> NewLines:
        facts = os.fstat(descriptor)
        is_whole = facts.st_ino != self._inode or facts.st_size < self._offset
        if is_whole:
            self._inode, self._offset = facts.st_ino, 0
        with os.fdopen(os.dup(descriptor), "rb") as file:
            file.seek(self._offset)
            block = file.read()
        complete = block[: block.rfind(b"\n") + 1]
        self._offset += len(complete)
        # Split at newlines only: a text may hold other characters that Python calls line ends.
        return NewLines([without_nul(json.loads(line)) for line in complete.split(b"\n") if line.strip()], is_whole)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object that is replaced atomically; empty where it isn't there (yet)."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return without_nul(value) if isinstance(value, dict) else {}


def without_nul(value: Any) -> Any:
    """The same JSON value with NUL characters replaced, which models do write and Postgres cannot store."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, list):
        return [without_nul(each) for each in value]
    if isinstance(value, dict):
        return {without_nul(key): without_nul(each) for key, each in value.items()}
    return value


def read_tail(path: Path, limit: int = LOG_TAIL_BYTES) -> str:
    """The end of a log, cut at a line; undecodable bytes and NUL are replaced."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - limit))
            block = file.read()
    except FileNotFoundError:
        return ""
    if size > limit:
        block = block[block.find(b"\n") + 1 :]
    # A progress bar rewrites its line; what it said last is what a terminal would show.
    lines = block.decode("utf-8", "replace").replace("\0", "\ufffd").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
