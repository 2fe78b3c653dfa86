"""PURE. Which format a file is in, and its records read in it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice

from annotation.importers.formats.column_fields import guess_mapping, mapping_faults
from annotation.importers.formats.parsed import ParseOptions
from annotation.importers.formats.table import ImportFormat, find_format, guess_format
from annotation.importers.line_errors import LineError
from annotation.importers.record_reader import read_records
from annotation.importers.records import ImportedPrompt
from annotation.importers.sources.row import SourceError, SourceRow

LOOKED_AT = 100
"""Rows at the beginning in which the first readable one is looked for."""


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """How the records of a file are read."""

    form: ImportFormat
    columns: list[str]
    """Of the first record."""
    mapping: Mapping[str, str]
    """Column -> field: the one given, or for tables the guess."""
    rows: Iterator[SourceRow]
    kind: str | None

    def read(self) -> Iterator[ImportedPrompt | LineError]:
        """The records, once."""
        return read_records(self.rows, self.form, ParseOptions(self.kind, self.mapping))


def plan_import(
    rows: Iterator[SourceRow],
    container: str,
    *,
    format_name: str | None = None,
    mapping: Mapping[str, str] | None = None,
    kind: str | None = None,
) -> ImportPlan:
    """The format that was named, or the one that the first record looks like.

    Raises: SourceError for a format that doesn't exist or a mapping that doesn't fit.
    """
    first: list[SourceRow] = []
    for row in islice(rows, LOOKED_AT):
        first.append(row)
        if row.value is not None:
            break
    record = first[-1].value if first and first[-1].value is not None else {}
    has_mapping = bool(mapping)
    form = (
        find_format(format_name, container) if format_name else guess_format(record, container, has_mapping=has_mapping)
    )
    if mapping and not form.takes_mapping:
        raise SourceError(f"The format {form.name} takes no mapping of columns.")
    if form.is_table:
        faults = mapping_faults(mapping or {}, record)
        if faults:
            raise SourceError(". ".join(faults) + ".")
        mapping = mapping or guess_mapping(record)
    return ImportPlan(form, list(record), mapping or {}, chain(first, rows), kind)
