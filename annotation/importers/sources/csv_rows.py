"""PURE. CSV with a header as rows of texts; comma, semicolon or tab, quotes as RFC 4180 has them."""

import csv
from collections.abc import Iterable, Iterator

from annotation.importers.lines import LONGEST_LINE_BYTES
from annotation.importers.sources.row import SourceError, SourceRow
from annotation.kinds.faults import shorten

DELIMITERS = ",;\t"
MOST_COLUMNS = 500


def read_csv(lines: Iterable[bytes]) -> Iterator[SourceRow]:
    """A row a record, numbered by the line in which it begins.

    Raises: SourceError for a header that can't be used, text that is not UTF-8, or a quote that never ends.
    """
    csv.field_size_limit(LONGEST_LINE_BYTES)
    texts = _decode(lines)
    first = next(texts, "")
    delimiter = max(DELIMITERS, key=first.count)
    rows = csv.reader(_chain(first, texts), delimiter=delimiter, strict=True)
    header = _read_header(rows)
    begins = rows.line_num + 1
    is_empty = True
    while True:
        try:
            cells = next(rows, None)
        except csv.Error as error:
            raise SourceError(f"Line {begins} is not CSV: {error}. Is a quote missing there?") from None
        if cells is None and is_empty:
            raise SourceError(f"The file names columns ({shorten(', '.join(header))}) and has no records.")
        if cells is None:
            return
        if cells:
            is_empty = False
            yield _as_row(begins, header, cells)
        begins = rows.line_num + 1


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _decode(lines: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            place = f"Line {number} is not UTF-8 at byte {error.start + 1}"
            raise SourceError(f"{place}; save the file as UTF-8.") from None


def _read_header(rows: Iterator[list[str]]) -> list[str]:
    try:
        header = [name.strip() for name in next(rows, [])]
    except csv.Error as error:
        reason = "its lines end with a bare CR; save it with LF" if "new-line" in str(error) else error
        raise SourceError(f"The header is not CSV: {reason}.") from None
    if not any(header):
        raise SourceError("The file is empty; the first line must name the columns.")
    if len(header) > MOST_COLUMNS:
        raise SourceError(f"The file has {len(header)} columns, at most {MOST_COLUMNS} are read.")
    for name in header:
        if not name or header.count(name) > 1:
            raise SourceError(f"The header names {shorten(name)!r} twice." if name else "A column has no name.")
    return header


def _as_row(number: int, header: list[str], cells: list[str]) -> SourceRow:
    if len(cells) != len(header):
        return SourceRow(number, None, f"has {len(cells)} cells, the header names {len(header)} columns")
    return SourceRow(number, dict(zip(header, cells, strict=True)))
