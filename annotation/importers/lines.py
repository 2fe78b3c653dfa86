"""PURE. Splits a byte stream into lines without ever holding more than one, however long a line claims to be."""

from collections.abc import Iterator
from typing import BinaryIO

LONGEST_LINE_BYTES = 16 * 1024 * 1024
SKIPPED_BYTES = 64 * 1024


def split_lines(stream: BinaryIO, *, longest: int = LONGEST_LINE_BYTES) -> Iterator[bytes]:
    """The stream's lines; of a line beyond `longest` bytes only the first `longest + 1`, which tells the reader."""
    while line := stream.readline(longest + 1):
        if len(line) > longest and not line.endswith(b"\n"):
            _skip_rest(stream)
        yield line


def _skip_rest(stream: BinaryIO) -> None:
    while (rest := stream.readline(SKIPPED_BYTES)) and not rest.endswith(b"\n"):
        pass
