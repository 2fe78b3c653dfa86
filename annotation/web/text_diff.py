"""PURE. Two versions of a text, with what was taken out and what came in."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

MOST_WORDS = 2_000
"""Longer changed passages are shown whole: comparing them word by word takes the square of their length."""
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Change:
    """A piece of text: in both versions, only in the old one, or only in the new one."""

    kind: str
    """same | removed | added"""
    text: str


def compare_texts(old: str, new: str) -> list[Change]:
    """The pieces in order; those that are same or removed give the old text, those same or added the new one."""
    return _joined(_by_lines(old.splitlines(keepends=True), new.splitlines(keepends=True)))


def _by_lines(old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        before, after = "".join(old[i:j]), "".join(new[k:m])
        if tag == "equal":
            yield Change("same", before)
        else:
            yield from _by_words(_WORDS.findall(before), _WORDS.findall(after))


def _by_words(old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    if max(len(old), len(new)) > MOST_WORDS:
        yield from (Change("removed", "".join(old)), Change("added", "".join(new)))
        return
    for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield Change("same", "".join(old[i:j]))
        else:
            yield from (Change("removed", "".join(old[i:j])), Change("added", "".join(new[k:m])))


def _joined(changes: Iterator[Change]) -> list[Change]:
    joined: list[Change] = []
    for change in changes:
        if joined and joined[-1].kind == change.kind:
            joined[-1] = Change(change.kind, joined[-1].text + change.text)
        elif change.text:
            joined.append(change)
    return joined
