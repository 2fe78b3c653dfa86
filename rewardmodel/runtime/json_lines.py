"""Append-only JSON Lines files that survive a kill in the middle of a line."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any


def append_line(path: Path, row: Mapping[str, Any]) -> None:
    """Add one object as one line, visible to readers at once."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Every complete object of the file; a last line torn by a kill is left out, an absent file is empty."""
    if not path.exists():
        return
    for line in path.read_bytes().split(b"\n")[:-1]:
        if line.strip():
            yield json.loads(line)


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Replace the file by these objects, one a line; a reader sees the old lines or the new."""
    unfinished = path.with_name(f".unfinished-{path.name}")
    lines = [json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows]
    unfinished.write_text("".join(lines), encoding="utf-8")
    unfinished.replace(path)


def keep_lines(path: Path, wanted: Callable[[dict[str, Any]], bool]) -> int:
    """Rewrite the file with the wanted lines only; gives the number kept."""
    kept = [row for row in read_lines(path) if wanted(row)]
    if path.exists():
        write_lines(path, kept)
    return len(kept)
