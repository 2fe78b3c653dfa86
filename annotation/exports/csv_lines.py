"""PURE. CSV: rows -> bytes that no spreadsheet takes for formulas."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\0")


def encode_csv(rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """A header of the first row's columns, then a line a row; every row must have the same columns.

    Text that begins like a formula gets a quote in front (OWASP ASVS 1.2.10); JSON Lines keep it byte for byte.
    """
    buffer = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(buffer, list(row))
            writer.writeheader()
        writer.writerow({name: quote_cell(value) for name, value in row.items()})
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()


def quote_cell(value: Any) -> Any:
    """Text that no spreadsheet takes for a formula; other values as they are."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_SIGNS) else value
