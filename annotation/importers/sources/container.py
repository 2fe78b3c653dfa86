"""PURE. What kind of file it is, by its first bytes, and its rows."""

import codecs
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

from annotation.importers.lines import split_lines
from annotation.importers.sources.csv_rows import read_csv
from annotation.importers.sources.json_rows import BYTE_ORDER_MARK, read_json_lines, read_json_list
from annotation.importers.sources.parquet_rows import PARQUET_MAGIC, read_parquet
from annotation.importers.sources.row import SourceError, SourceRow
from annotation.importers.sources.unpacking import GZIP_MAGIC, MOST_UNPACKED_BYTES, CountingStream, UnpackedStream

HEAD_BYTES = 64 * 1024
UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
JSON_LINES, JSON_LIST, CSV, PARQUET, DATASET = "JSON Lines", "JSON list", "CSV", "Parquet", "dataset"


class SourceFile:
    """A file to import: what it is, how far it is read, and its rows."""

    def __init__(self, file: BinaryIO, *, most_unpacked: int = MOST_UNPACKED_BYTES) -> None:
        """file: seekable, at its beginning. Raises: SourceError where nothing can be made of its first bytes."""
        self._file = file
        self._most_unpacked = most_unpacked
        head = file.read(HEAD_BYTES)
        file.seek(0)
        self.is_packed = head.startswith(GZIP_MAGIC)
        self.container = name_container(_unpack_head(head) if self.is_packed else head)
        if self.is_packed and self.container == PARQUET:
            raise SourceError("Unpack the Parquet file first; it is compressed inside already.")
        self._counted = CountingStream(file)

    @property
    def bytes_read(self) -> int:
        """How many bytes of the file, as it lies there, are read."""
        return self._file.tell() if self.container == PARQUET else self._counted.taken

    def rows(self) -> Iterator[SourceRow]:
        """The records, once. Raises: SourceError"""
        if self.container == PARQUET:
            return read_parquet(self._file)
        stream = UnpackedStream(self._counted, most=self._most_unpacked) if self.is_packed else self._counted
        if self.container == JSON_LIST:
            return read_json_list(stream)
        lines = split_lines(cast(BinaryIO, stream))
        return read_csv(lines) if self.container == CSV else read_json_lines(lines)


def name_container(head: bytes) -> str:
    """Parquet by its magic bytes, JSON by its first character, everything else is taken for CSV."""
    if head.startswith(PARQUET_MAGIC):
        return PARQUET
    if head.startswith(UTF_16_MARKS):
        raise SourceError("This is UTF-16 or UTF-32; save the file as UTF-8.")
    text = head.removeprefix(BYTE_ORDER_MARK).lstrip()
    if not text:
        return JSON_LINES  # of nothing
    if b"\0" in text:
        raise SourceError("This is no text: it holds NUL bytes. JSON Lines, JSON, CSV and Parquet files can be read.")
    if text[:15].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise SourceError("This is a web page or XML. JSON Lines, JSON, CSV and Parquet files can be read.")
    return {b"{": JSON_LINES, b"[": JSON_LIST}.get(text[:1], CSV)


def _unpack_head(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(head, HEAD_BYTES)
    except zlib.error as error:
        raise SourceError(f"The gzip file is damaged: {error}.") from None
