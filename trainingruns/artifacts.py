"""Where snapshots, run directories and models lie: names under the artifacts storage, and their digests."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from django.core.files.storage import storages

READ_BYTES = 1 << 20


def artifact_path(name: str) -> Path:
    """The folder or file that `name` stands for: below the artifacts root, or `name` itself where it is absolute.

    Raises: NotImplementedError where the storage has no local paths, which trainers need.
    """
    return Path(name) if Path(name).is_absolute() else Path(storages["artifacts"].path(name))


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of all files of a folder, in hex; the order on disk doesn't matter."""
    digest = hashlib.sha256()
    for path in _files(folder):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{file_digest(path)}\n".encode())
    return digest.hexdigest()


def folder_bytes(folder: Path) -> int:
    """Size of all files of a folder."""
    return sum(path.stat().st_size for path in _files(folder))


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.rglob("*") if path.is_file())
