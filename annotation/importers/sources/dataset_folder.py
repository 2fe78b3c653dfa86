"""PURE. A dataset on disk as rows: what `datasets` saved to disk, or a folder of Parquet files as a hub has it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from annotation.importers.sources.parquet_rows import read_arrow_stream, read_parquet
from annotation.importers.sources.row import SourceError, SourceRow

ARROW, PARQUET = ".arrow", ".parquet"
STATE_FILE = "state.json"
SPLITS_FILE = "dataset_dict.json"


def read_dataset(folder: Path, split: str | None = None) -> Iterator[SourceRow]:
    """The records of one split, numbered from 1 through all its files.

    split: needed where the folder has several. Raises: SourceError naming the splits there are.
    """
    number = 1
    for path in list_files(folder, split):
        read: Callable[..., Iterator[SourceRow]] = read_arrow_stream if path.suffix == ARROW else read_parquet
        with path.open("rb") as file:
            for row in read(file, first=number):
                yield row
                number = row.number + 1


def list_files(folder: Path, split: str | None) -> list[Path]:
    """The files of the split, in order. Raises: SourceError"""
    splits = _find_splits(folder)
    if not splits:
        raise SourceError(f"{folder} holds no dataset: neither {STATE_FILE} nor Parquet files.")
    if split is None and len(splits) == 1:
        return next(iter(splits.values()))
    if split is None or split not in splits:
        wish = "has several splits" if split is None else f"has no split {split!r}"
        raise SourceError(f"{folder} {wish}; name one with --split: {', '.join(sorted(splits))}.")
    return splits[split]


def _find_splits(folder: Path) -> dict[str, list[Path]]:
    if (folder / STATE_FILE).is_file():
        return {"train": _saved_files(folder)}
    if (folder / SPLITS_FILE).is_file():
        return {name: _saved_files(folder / name) for name in _read_json(folder / SPLITS_FILE)["splits"]}
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob(f"*{PARQUET}")):
        found.setdefault(_split_name(path), []).append(path)
    return found


def _saved_files(folder: Path) -> list[Path]:
    """The files that `state.json` names; only names inside the folder are taken."""
    try:
        names = [each["filename"] for each in _read_json(folder / STATE_FILE)["_data_files"]]
    except (KeyError, TypeError):
        raise SourceError(f"{folder / STATE_FILE} names no data files.") from None
    paths = [folder / Path(str(name)).name for name in names]
    for path in paths:
        if path.suffix != ARROW or not path.is_file():
            raise SourceError(f"{path} is missing or no Arrow file.")
    return paths


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} can't be read: {error}.") from None
    return value if isinstance(value, dict) else {}


def _split_name(path: Path) -> str:
    """`train` of `data/train-00000-of-00002.parquet` and of `train/0000.parquet`."""
    name = path.stem.split("-")[0]
    return path.parent.name if name.isdigit() else name
