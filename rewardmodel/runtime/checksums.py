"""Checksums of files that were just written, taken while they go to the disk."""

import os
import zlib
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Self

CHUNK_BYTES = 2**20


def checksum(path: Path) -> str:
    """The CRC-32 of a file as 8 hexadecimal digits: every changed bit shows. Another thread can compute meanwhile."""
    value = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            value = zlib.crc32(chunk, value)
    return f"{value:08x}"


class Checksums:
    """Takes the checksums of files in a thread of its own, while this one waits for the disk. A context manager."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="checksums")
        self._found: dict[str, Future[str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.shutdown()

    def add(self, path: Path) -> None:
        """Begin with a file that is written, and return once it has reached the disk."""
        self._found[path.name] = self._pool.submit(checksum, path)
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def values(self) -> dict[str, str]:
        """The checksums by file name, once all are there."""
        return {name: future.result() for name, future in self._found.items()}
