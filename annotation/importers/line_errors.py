"""PURE. What is wrong with a file, by line and field."""

from collections.abc import Sequence
from dataclasses import dataclass

MOST_ERRORS = 20


@dataclass(frozen=True, slots=True)
class LineError:
    """One thing that is wrong with one line."""

    line: int
    """Counted from 1. In files without lines it is the record: the item of a list, the row of a table."""
    field: str
    """The field's path in the line, such as `judgments[2].tiers`; empty when the whole line is meant."""
    message: str

    def __str__(self) -> str:
        place = f"line {self.line}, {self.field}" if self.field else f"line {self.line}"
        return f"{place}: {self.message}"


class ImportFileError(ValueError):
    """A file that can't be imported. `errors` holds what is wrong, in the order of the lines."""

    def __init__(self, errors: Sequence[LineError], *, more: bool = False, count: int | None = None) -> None:
        self.errors: list[LineError] = list(errors)
        self.more = more
        """True when reading stopped before the end of the file because there were enough errors to mend first."""
        self.count = len(self.errors) if count is None else count
        """All errors found, also those that were not kept."""
        text = "\n".join(str(error) for error in self.errors)
        super().__init__(f"{text}\nmore lines were not looked at" if more else text)


class FileErrors:
    """Collects the errors of a file: the first `keep` of them, and how many there are."""

    def __init__(self, *, keep: int = MOST_ERRORS, reads_on: bool = False) -> None:
        self.kept: list[LineError] = []
        self.count = 0
        self._keep = keep
        self._reads_on = reads_on

    def add(self, error: LineError) -> None:
        """Takes an error. Raises: ImportFileError when `keep` are found, unless all are to be counted (`reads_on`)."""
        self.count += 1
        if len(self.kept) < self._keep:
            self.kept.append(error)
        if self.count >= self._keep and not self._reads_on:
            raise ImportFileError(self.kept, more=True)

    def raise_if_any(self) -> None:
        """Raises: ImportFileError at the end of a file with errors."""
        if self.count:
            raise ImportFileError(self.kept, count=self.count)
