"""Records through the readers, as an import takes them."""

from collections.abc import Iterable, Mapping
from typing import Any

from annotation.importers.formats.parsed import ParseOptions
from annotation.importers.formats.table import FORMATS, guess_format
from annotation.importers.line_errors import LineError
from annotation.importers.record_reader import read_records
from annotation.importers.records import ImportedPrompt
from annotation.importers.sources.container import JSON_LINES
from annotation.importers.sources.row import SourceRow


def read(
    *records: Mapping[str, Any],
    form: str | None = None,
    kind: str | None = None,
    mapping: Mapping[str, str] | None = None,
) -> list[ImportedPrompt | LineError]:
    """What records become; the format is guessed from the first one where none is named."""
    rows: Iterable[SourceRow] = (SourceRow(number, record) for number, record in enumerate(records, start=1))
    chosen = FORMATS[form] if form else guess_format(records[0], JSON_LINES)
    return list(read_records(rows, chosen, ParseOptions(kind, mapping or {})))


def read_one(*records: Mapping[str, Any], **options: Any) -> ImportedPrompt:
    """The one prompt that they become."""
    (prompt,) = read(*records, **options)
    assert isinstance(prompt, ImportedPrompt), str(prompt)
    return prompt


def errors_of(*records: Mapping[str, Any], **options: Any) -> list[tuple[int, str]]:
    """Line and field of what is wrong."""
    return [(found.line, found.field) for found in read(*records, **options) if isinstance(found, LineError)]
