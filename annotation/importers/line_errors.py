"""PURE. What is wrong with a file, by line and field."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LineError:
    """One thing that is wrong with one line."""

    line: int
    """Counted from 1."""
    field: str
    """The field's path in the line, such as `judgments[2].tiers`; empty when the whole line is meant."""
    message: str

    def __str__(self) -> str:
        place = f"line {self.line}, {self.field}" if self.field else f"line {self.line}"
        return f"{place}: {self.message}"


class ImportFileError(ValueError):
    """A file that can't be imported. `errors` holds what is wrong, in the order of the lines."""

    def __init__(self, errors: Sequence[LineError], *, more: bool = False) -> None:
        self.errors: list[LineError] = list(errors)
        self.more = more
        """True when reading stopped before the end of the file because there were enough errors to mend first."""
        text = "\n".join(str(error) for error in self.errors)
        super().__init__(f"{text}\nmore lines were not looked at" if more else text)
