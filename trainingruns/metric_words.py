"""PURE: docs/metrics.md as data, so that pages explain a metric in the very words of the documentation."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "metrics.md"
_CODE = re.compile(r"`([^`]+)`")
_PLACEHOLDER = re.compile(r"<[a-z]+>")


@dataclass(frozen=True, slots=True)
class MetricEntry:
    """One row of a table: the names that share an explanation."""

    names: tuple[str, ...]
    """As written; `<part>` stands for any word."""
    text: str
    """Markdown."""
    anchor: str
    """What an address names the row by; no other row of the document has it."""

    def explains(self, name: str) -> bool:
        """Whether the row is about this metric."""
        return any(_pattern(each).fullmatch(name) for each in self.names)


@dataclass(frozen=True, slots=True)
class MetricBlock:
    """A paragraph, or a table of metrics."""

    text: str = ""
    entries: tuple[MetricEntry, ...] = ()
    heading: str = ""
    """Title of the table's first column; `name` for metrics."""


@dataclass(slots=True)
class MetricChapter:
    """What one kind of run writes."""

    title: str
    blocks: list[MetricBlock] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """What an address names the chapter by."""
        return re.sub(r"[^a-z]+", "-", self.title.lower()).strip("-")

    def entry(self, name: str) -> MetricEntry | None:
        """The row about a metric, None where the chapter has none."""
        entries = (entry for block in self.blocks if block.heading == "name" for entry in block.entries)
        return next((entry for entry in entries if entry.explains(name)), None)


def read_chapters(text: str) -> list[MetricChapter]:
    """The chapters (`##`) of a document of paragraphs and two-column tables, each after a blank line."""
    chapters: list[MetricChapter] = []
    taken: Counter[str] = Counter()
    for piece in re.split(r"\n\s*\n", text):
        lines = piece.strip().splitlines()
        if lines and lines[0].startswith("## "):
            chapters.append(MetricChapter(lines.pop(0).removeprefix("## ").strip()))
        if chapters and lines:
            chapters[-1].blocks.append(_read_block(lines, chapters[-1].anchor, taken))
    return chapters


def _read_block(lines: Sequence[str], chapter: str, taken: Counter[str]) -> MetricBlock:
    if not lines[0].startswith("|"):
        # Lines of a paragraph are wrapped for editors; on a page they would break where no reader wants it.
        is_shaped = lines[0].startswith(("```", "- "))
        return MetricBlock(text=("\n" if is_shaped else " ").join(lines))
    entries = []
    for line in lines[2:]:
        names, _, text = line.strip().removeprefix("|").removesuffix("|").partition("|")
        named = tuple(_CODE.findall(names))
        anchor = f"{chapter}.{_PLACEHOLDER.sub('any', named[0])}"
        taken[anchor] += 1
        entries.append(MetricEntry(named, text.strip(), anchor + (f".{taken[anchor]}" if taken[anchor] > 1 else "")))
    return MetricBlock(entries=tuple(entries), heading=lines[0].strip("| ").partition("|")[0].strip())


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(r"\w+".join(re.escape(part) for part in _PLACEHOLDER.split(name)))


@lru_cache(maxsize=1)
def metric_chapters() -> tuple[MetricChapter, ...]:
    """The chapters of docs/metrics.md as this process found it; none where the documents were not installed."""
    return tuple(read_chapters(DOCUMENT.read_text(encoding="utf-8"))) if DOCUMENT.exists() else ()
