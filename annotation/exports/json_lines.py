"""PURE. JSON Lines: rows -> bytes."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson


def encode_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """One UTF-8 line a row, each ended by a newline; nothing is kept, so any number of rows streams through."""
    for row in rows:
        yield orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
