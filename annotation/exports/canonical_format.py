"""PURE. The format `canonical`: the records as they are."""

from collections.abc import Iterable, Iterator
from typing import Any

from annotation.exports.prompt_group import PromptGroup


def write_rows(groups: Iterable[PromptGroup], *, view: str) -> Iterator[dict[str, Any]]:
    """One row an answer."""
    for group in groups:
        yield from (dict(record) for record in group.records)
