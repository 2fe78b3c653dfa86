"""PURE. JSON Lines, and a JSON list of objects, as rows; one object at a time is in memory."""

import codecs
import json
from collections.abc import Iterable, Iterator
from typing import Protocol

import orjson

from annotation.importers.json_line import DEEPEST_NESTING, LineSyntaxError, decode_line, nested_deeper
from annotation.importers.lines import LONGEST_LINE_BYTES
from annotation.importers.sources.row import SourceError, SourceRow

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
CHUNK_BYTES = 256 * 1024
SPACE = " \t\r\n"


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int = -1, /) -> bytes: ...


def read_json_lines(lines: Iterable[bytes]) -> Iterator[SourceRow]:
    """A row a line; empty lines are passed over."""
    for number, line in enumerate(lines, start=1):
        content = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
        if not content or content.isspace():
            continue
        try:
            value, remark = decode_line(content)
        except LineSyntaxError as error:
            yield SourceRow(number, None, str(error))
        else:
            yield SourceRow(number, value, remark)


def read_json_list(stream: Readable) -> Iterator[SourceRow]:
    """A row an item, numbered by item. Raises: SourceError where the list is no JSON, with the item's number."""
    text = _Text(stream)
    text.skip_space()
    if not text.startswith("["):
        raise SourceError("Expected a JSON list of objects, beginning with [.")
    text.drop(1)
    number = 0
    while not _list_ends(text, number):
        number += 1
        yield _checked_item(number, text.take_item(number))
    text.skip_space()
    if not text.is_empty:
        raise SourceError(f"Something follows the end of the list, after item {number}.")


def _list_ends(text: "_Text", number: int) -> bool:
    """Whether the list ends here; takes the bracket or the comma."""
    text.skip_space()
    if text.startswith("]"):
        text.drop(1)
        return True
    if number:
        if not text.startswith(","):
            raise SourceError(f"Expected a comma or the end of the list after item {number}.")
        text.drop(1)
        text.skip_space()
    return False


def _checked_item(number: int, item: str) -> SourceRow:
    try:
        value, remark = orjson.loads(item), ""
    except (orjson.JSONDecodeError, UnicodeEncodeError) as error:
        value, remark = json.loads(item), f"not valid JSON: {error}"
    if not isinstance(value, dict):
        return SourceRow(number, None, "expected a JSON object")
    if nested_deeper(value, DEEPEST_NESTING):
        return SourceRow(number, None, f"nested more than {DEEPEST_NESTING} levels deep")
    return SourceRow(number, value, remark)


class _Text:
    """The undecided part of the stream as text."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._scan = json.JSONDecoder().raw_decode
        self._at_end = False
        self._buffer = ""
        self._at = 0

    @property
    def is_empty(self) -> bool:
        return self._at >= len(self._buffer)

    def skip_space(self) -> None:
        while True:
            while not self.is_empty and self._buffer[self._at] in SPACE:
                self._at += 1
            if not self.is_empty or not self._fill():
                return

    def startswith(self, text: str) -> bool:
        return self._buffer.startswith(text, self._at)

    def drop(self, count: int) -> None:
        self._at += count

    def take_item(self, number: int) -> str:
        """The text of the next value. A number at the end of the buffer may go on, so more is read first."""
        while True:
            try:
                _, end = self._scan(self._buffer, self._at)
            except RecursionError:
                raise SourceError(f"Item {number} is nested too deep.") from None
            except ValueError as error:
                if len(self._buffer) - self._at > LONGEST_LINE_BYTES:
                    raise SourceError(f"Item {number} is longer than {LONGEST_LINE_BYTES // 1024**2} MiB.") from None
                if not self._fill():
                    raise SourceError(f"Item {number} is not valid JSON: {error}.") from None
                continue
            if end < len(self._buffer) or not self._fill():
                item = self._buffer[self._at : end]
                self._at = end
                return item

    def _fill(self) -> bool:
        """Reads as much again as is waiting, so that a long item is scanned few times."""
        if self._at_end:
            return False
        waiting = self._buffer[self._at :]
        data = self._stream.read(max(CHUNK_BYTES, len(waiting)))
        self._at_end = not data
        try:
            self._buffer, self._at = waiting + self._decode(data, self._at_end), 0
        except UnicodeDecodeError as error:
            raise SourceError(f"Not UTF-8: {error.reason}; save the file as UTF-8.") from None
        return True
