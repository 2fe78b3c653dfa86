"""PURE. Reads the interchange format: JSON Lines, one prompt a line, with its responses and judgments.

The format is described in docs/interchange.md. Its writer is annotation.exports.concord.
"""

from collections.abc import Iterable, Iterator

from annotation.importers.json_line import LineSyntaxError, decode_line
from annotation.importers.line_errors import MOST_ERRORS, FileErrors, LineError
from annotation.importers.prompt_line import read_prompt
from annotation.importers.records import ImportedPrompt
from annotation.importers.seen_ids import SeenIds
from annotation.kinds.faults import FaultList

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_prompts(lines: Iterable[bytes], *, most_errors: int = MOST_ERRORS) -> Iterator[ImportedPrompt]:
    """The prompts of a file, one line in memory at a time; empty lines are passed over.

    After the first error no prompt is given any more, but reading goes on to find further errors. Store inside one
    transaction, so that a file with an error leaves nothing behind.
    Raises: ImportFileError, at the end or after `most_errors` errors.
    """
    errors = FileErrors(keep=most_errors)
    for found in read_lines(lines):
        if isinstance(found, LineError):
            errors.add(found)
        elif not errors.count:
            yield found
    errors.raise_if_any()


def read_lines(lines: Iterable[bytes]) -> Iterator[ImportedPrompt | LineError]:
    """The prompts of a file and what is wrong with its other lines, in the file's order."""
    first_lines = SeenIds()
    for number, line in enumerate(lines, start=1):
        content = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
        if not content.strip():
            continue
        prompt, found = _read_line(content, number, first_lines)
        if found:
            yield from found
        elif prompt is not None:
            yield prompt


def _read_line(line: bytes, number: int, first_lines: SeenIds) -> tuple[ImportedPrompt | None, list[LineError]]:
    try:
        mapping, remark = decode_line(line)
    except LineSyntaxError as error:
        return None, [LineError(number, "", str(error))]
    faults = FaultList()
    prompt = read_prompt(mapping, faults, line=number)
    if prompt is not None:
        first = first_lines.first_line(prompt.external_id, number)
        if first != number:
            faults.add(f"{prompt.external_id!r} already stands in line {first}; every id goes once", "external_id")
    if remark and not faults.faults:
        faults.add(remark)
    return prompt, [LineError(number, fault["field"], fault["message"]) for fault in faults.faults]
