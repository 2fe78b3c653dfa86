"""PURE. A stream that counts what is read, unpacks gzip, and ends before a small file becomes an endless one."""

import gzip
import zlib
from typing import BinaryIO

from annotation.importers.sources.row import SourceError

GZIP_MAGIC = b"\x1f\x8b"
MOST_UNPACKED_BYTES = 4 * 1024**3
FREE_BYTES = 64 * 1024**2
"""Up to here any ratio is fine: short files of repeated text pack well."""
MOST_RATIO = 250
"""Beyond that no text that people or models wrote packs; a bomb reaches 1,000."""


class CountingStream:
    """Reads through, and knows how many bytes of the file it has taken."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.taken += len(data)
        return data

    def readline(self, size: int = -1) -> bytes:
        line = self._stream.readline(size)
        self.taken += len(line)
        return line


class UnpackedStream:
    """The content of a gzip file. Raises: SourceError for what is no gzip or unpacks to too much."""

    def __init__(self, packed: CountingStream, *, most: int = MOST_UNPACKED_BYTES) -> None:
        self._packed = packed
        self._most = most
        self._unpacked = gzip.GzipFile(fileobj=packed, mode="rb")  # type: ignore[call-overload]
        self._given = 0

    def read(self, size: int = -1) -> bytes:
        return self._count(self._take("read", size))

    def readline(self, size: int = -1) -> bytes:
        return self._count(self._take("readline", size))

    def _take(self, method: str, size: int) -> bytes:
        try:
            data: bytes = getattr(self._unpacked, method)(size)
        except (OSError, EOFError, zlib.error) as error:
            raise SourceError(f"The gzip file is damaged or cut off: {error}. Pack or send it again.") from None
        return data

    def _count(self, data: bytes) -> bytes:
        self._given += len(data)
        if self._given > self._most:
            raise SourceError(f"The file unpacks to more than {self._most // 1024**2:,} MiB; split it.")
        if self._given > FREE_BYTES and self._given > MOST_RATIO * self._packed.taken:
            raise SourceError(f"The file unpacks to more than {MOST_RATIO} times its size; that is no text. Unpack it.")
        return data
