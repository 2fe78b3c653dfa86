"""Bodies of imports: JSON Lines, read line by line, or a JSON list, one prompt an item."""

from collections.abc import Iterator, Mapping
from typing import IO, Any

import orjson
from rest_framework.parsers import BaseParser

from annotation.api.bodies import body_too_large, check_announced, decode_json, read_limited
from annotation.exceptions import ApplicationError
from annotation.importers.json_line import DEEPEST_NESTING
from annotation.importers.line_errors import ImportFileError, LineError
from annotation.importers.lines import split_lines


class LimitedStream:
    """A request body that ends in BodyTooLarge as soon as it gives more than `limit` bytes."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._left = limit

    def readline(self, size: int = -1) -> bytes:
        most = self._left + 1
        line = self._stream.readline(most if size < 0 else min(size, most))
        self._left -= len(line)
        if self._left < 0:
            raise body_too_large(self._limit)
        return line


class JsonLinesBody(BaseParser):
    """Gives the lines, unread: the importer checks them one by one."""

    media_type = "application/jsonl"

    def parse(  # type: ignore[override]
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Iterator[bytes]:
        limit = check_announced((parser_context or {})["request"])
        return split_lines(LimitedStream(stream, limit))  # type: ignore[arg-type]


class NewlineDelimitedBody(JsonLinesBody):
    media_type = "application/x-ndjson"


class JsonListBody(BaseParser):
    """Gives the items of a list as lines, so that both forms go through one reader and are numbered alike."""

    media_type = "application/json"

    def parse(  # type: ignore[override]
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Iterator[bytes]:
        items = decode_json(read_limited(stream, (parser_context or {})["request"]))
        if not isinstance(items, list):
            raise ApplicationError("Send a list of prompts, or JSON Lines as application/jsonl.", code="invalid_json")
        return _as_lines(items)


def _as_lines(items: list[Any]) -> Iterator[bytes]:
    """Each item as a line. Raises: ImportFileError for one that is nested too deep to be written again."""
    for number, item in enumerate(items, start=1):
        try:
            yield orjson.dumps(item)
        except orjson.JSONEncodeError:
            fault = LineError(number, "", f"nested more than {DEEPEST_NESTING} levels deep")
            raise ImportFileError([fault]) from None
