"""PURE. Reads the interchange format: JSON Lines, one prompt a line, with its responses and judgments.

The format is described in docs/interchange.md. Its writer is annotation.exports.concord.
"""

from collections.abc import Iterable, Iterator

from annotation.importers.formats.parsed import ParseOptions
from annotation.importers.formats.table import FORMATS
from annotation.importers.line_errors import MOST_ERRORS, FileErrors, LineError
from annotation.importers.record_reader import read_records
from annotation.importers.records import ImportedPrompt
from annotation.importers.sources.json_rows import read_json_lines


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
    return read_records(read_json_lines(lines), FORMATS["concord"], ParseOptions())
