"""PURE. Rows of a file -> checked prompts and line errors, in the file's order."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from annotation.importers.formats.parsed import ParseOptions, content_id, source_fault
from annotation.importers.formats.table import ImportFormat
from annotation.importers.line_errors import LineError
from annotation.importers.prompt_line import read_prompt
from annotation.importers.records import ImportedPrompt
from annotation.importers.seen_ids import SeenIds
from annotation.importers.sources.row import SourceError, SourceRow
from annotation.kinds.faults import FaultList

NO_ID = "\N{REPLACEMENT CHARACTER}no id"
"""Stands for the id of a record that has none until one is made of its content."""


def read_records(
    rows: Iterable[SourceRow], form: ImportFormat, options: ParseOptions
) -> Iterator[ImportedPrompt | LineError]:
    """What the rows become. A file that can't be read to its end gives one last error."""
    seen = SeenIds()
    waiting: ImportedPrompt | None = None
    for found in _read_rows(rows, form, options):
        if form.join is not None and isinstance(found, ImportedPrompt):
            joined = None if waiting is None else form.join(waiting, found)
            if joined is None and waiting is not None:
                yield from _named(waiting, seen)
            waiting = joined or found
            continue
        if waiting is not None:
            yield from _named(waiting, seen)
            waiting = None
        yield from [found] if isinstance(found, LineError) else _named(found, seen)
    if waiting is not None:
        yield from _named(waiting, seen)


def _read_rows(
    rows: Iterable[SourceRow], form: ImportFormat, options: ParseOptions
) -> Iterator[ImportedPrompt | LineError]:
    number = 0
    try:
        for row in rows:
            number = row.number
            yield from _read_row(row, form, options)
    except SourceError as error:
        yield LineError(number + 1, "", str(error))


def _read_row(row: SourceRow, form: ImportFormat, options: ParseOptions) -> Iterator[ImportedPrompt | LineError]:
    if row.value is None:
        yield LineError(row.number, "", row.fault)
        return
    faults = FaultList()
    parsed = form.parse(row.value, faults, options)
    found, prompt = list(faults.faults), None
    if parsed is not None and not found:
        checked = FaultList()
        line = parsed.line if parsed.needs_id else {"external_id": NO_ID, **parsed.line}
        prompt = read_prompt(line, checked, line=row.number)
        found = [source_fault(fault, parsed.places) for fault in checked.faults]
    if row.fault and not found:
        yield LineError(row.number, "", row.fault)
    elif prompt is not None:
        yield prompt
    else:
        yield from (LineError(row.number, fault["field"], fault["message"]) for fault in found)


def _named(prompt: ImportedPrompt, seen: SeenIds) -> Iterator[ImportedPrompt | LineError]:
    """With an id of its own; a given one may stand once in a file."""
    if prompt.external_id != NO_ID:
        first = seen.first_line(prompt.external_id, prompt.line)
        if first == prompt.line:
            yield prompt
        else:
            message = f"{prompt.external_id!r} already stands in line {first}; every id goes once"
            yield LineError(prompt.line, "external_id", message)
        return
    texts = [turn.content for turn in prompt.prompt] + sorted(response.text for response in prompt.responses)
    name, copy = content_id(texts), 1
    while seen.first_line(name if copy == 1 else f"{name}-{copy}", prompt.line) != prompt.line:
        copy += 1
    yield replace(prompt, external_id=name if copy == 1 else f"{name}-{copy}")
