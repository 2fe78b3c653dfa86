"""PURE. What every reader gives: a numbered object, or what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class SourceError(ValueError):
    """A file that can't be read on at all; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One record of a file."""

    number: int
    """The line, or in files without lines the record, counted from 1."""
    value: Mapping[str, Any] | None
    """None where the record can't be read."""
    fault: str = ""
    """What is wrong with the record as a whole; a record with a fault is never taken, even if it could be read."""
