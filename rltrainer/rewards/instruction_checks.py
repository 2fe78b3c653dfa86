"""PURE: the checks that a prompt can ask of its answer, by name, each with its own arguments."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rltrainer.rewards import text_counts


@dataclass(frozen=True, slots=True)
class Nothing:
    """Arguments of a check that needs none."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many of something there should be."""

    at_least: int | None = None
    """Fewest that are right."""
    at_most: int | None = None
    """Most that are right."""
    exactly: int | None = None
    """The only number that is right."""

    def validate(self) -> Iterator[str]:
        """Faults of bounds that no text or every text keeps."""
        given = [name for name in ("at_least", "at_most", "exactly") if getattr(self, name) is not None]
        yield from (f"{name}: must be 0 or more" for name in given if getattr(self, name) < 0)
        if not given:
            yield "at_least: is missing (or at_most, or exactly)"
        if self.exactly is not None and len(given) > 1:
            yield "exactly: leaves no room for at_least or at_most"
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            yield f"at_least: {self.at_least} exceeds at_most {self.at_most}"

    def hold(self, count: int) -> bool:
        """Whether a number keeps all that are given."""
        least, most = (self.exactly, self.exactly) if self.exactly is not None else (self.at_least, self.at_most)
        return (least is None or count >= least) and (most is None or count <= most)


@dataclass(frozen=True, slots=True)
class Phrases:
    """Words or phrases to use or to avoid."""

    words: tuple[str, ...]
    """Each of them; case does not matter."""

    def validate(self) -> Iterator[str]:
        """Faults of a list that asks nothing."""
        if not self.words or not all(word.strip() for word in self.words):
            yield "words: needs one or more, none of them empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase(Bounds):
    """A word or phrase to count."""

    word: str
    """The word; case does not matter."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields and of the bounds."""
        if not self.word.strip():
            yield "word: is empty"
        yield from Bounds.validate(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter(Bounds):
    """A letter to count."""

    letter: str
    """The letter; case does not matter."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields and of the bounds."""
        if len(self.letter) != 1 or self.letter.isspace():
            yield f"letter: expected one letter, got {self.letter!r}"
        yield from Bounds.validate(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker(Bounds):
    """What marks the parts of a text, to count them."""

    marker: str
    """As it should be, case included."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields and of the bounds."""
        if not self.marker.strip():
            yield "marker: is empty"
        yield from Bounds.validate(self)


@dataclass(frozen=True, slots=True)
class Opening:
    """How a paragraph should begin."""

    number: int
    """Which paragraph, from 1."""
    word: str
    """Its first word; case does not matter."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        if self.number < 1:
            yield f"number: must be 1 or more, got {self.number}"
        if not self.word.strip():
            yield "word: is empty"


@dataclass(frozen=True, slots=True)
class Passage:
    """Text to stand somewhere."""

    text: str
    """The text as it should be, case included; blanks around it do not matter."""

    def validate(self) -> Iterator[str]:
        """The fault of nothing to look for."""
        if not self.text.strip():
            yield "text: is empty"


Check = tuple[type[Any], Callable[[str, Any], bool]]
"""The form of a check's arguments, and whether a text passes it under them."""


def counting(count: Callable[[str], int]) -> Check:
    """The check of a number of something."""
    return Bounds, lambda text, bounds: bounds.hold(count(text))


def is_json(text: str, _: Nothing) -> bool:
    """Whether a text is one JSON object or list, perhaps fenced as code."""
    body = text.strip()
    if len(body) > 6 and body.startswith("```") and body.endswith("```"):
        body = body[3:-3].removeprefix("json").removeprefix("JSON")
    try:
        return isinstance(json.loads(body, parse_constant=_refuse_constant), dict | list)
    except (ValueError, RecursionError):
        return False


def _refuse_constant(name: str) -> None:
    """Python reads NaN and Infinity, which are no JSON. Raises: ValueError."""
    raise ValueError(f"{name} is no JSON")


def _is_lower(text: str, _: Nothing) -> bool:
    return text == text.lower() and any(map(str.isalpha, text))


def _is_upper(text: str, _: Nothing) -> bool:
    return text == text.upper() and any(map(str.isalpha, text))


def _is_quoted(text: str, _: Nothing) -> bool:
    quoted = re.fullmatch(r'(".+"|“.+”|„.+“|«.+»|「.+」)', text.strip(), re.DOTALL)
    return quoted is not None and text_counts.has_text(quoted[0][1:-1])


def _has_title(text: str, _: Nothing) -> bool:
    return any(title.strip() for title in re.findall(r"<<([^<>\n]+)>>", text))


def _has_postscript(text: str, passage: Passage) -> bool:
    """Whether the last paragraph begins so, and is not the first."""
    return any(part.startswith(passage.text.strip()) for part in text_counts.paragraphs_of(text)[1:][-1:])


def _opens(text: str, opening: Opening) -> bool:
    paragraphs = text_counts.paragraphs_of(text)
    if len(paragraphs) < opening.number:
        return False
    first = re.match(r"\W{0,9}(\w+)", paragraphs[opening.number - 1])
    return first is not None and first[1].casefold() == opening.word.strip().casefold()


CHECKS: dict[str, Check] = {
    "words": counting(text_counts.count_words),
    "sentences": counting(text_counts.count_sentences),
    "paragraphs": counting(text_counts.count_paragraphs),
    "lines": counting(text_counts.count_lines),
    "characters": counting(text_counts.count_characters),
    "bullets": counting(text_counts.count_bullets),
    "placeholders": counting(text_counts.count_placeholders),
    "highlights": counting(text_counts.count_highlights),
    "capital_words": counting(text_counts.count_capital_words),
    "include": (Phrases, lambda text, args: all(text_counts.count_phrase(text, word) for word in args.words)),
    "exclude": (Phrases, lambda text, args: not any(text_counts.count_phrase(text, word) for word in args.words)),
    "keyword": (Phrase, lambda text, args: args.hold(text_counts.count_phrase(text, args.word))),
    "letter": (Letter, lambda text, args: args.hold(text_counts.count_letter(text, args.letter))),
    "sections": (Marker, lambda text, args: args.hold(text_counts.count_sections(text, args.marker))),
    "separated": (Marker, lambda text, args: args.hold(text_counts.count_separated(text, args.marker))),
    "paragraph_starts": (Opening, _opens),
    "postscript": (Passage, _has_postscript),
    "starts_with": (Passage, lambda text, args: text.strip().startswith(args.text.strip())),
    "ends_with": (Passage, lambda text, args: text.strip().endswith(args.text.strip())),
    "lowercase": (Nothing, _is_lower),
    "uppercase": (Nothing, _is_upper),
    "quoted": (Nothing, _is_quoted),
    "title": (Nothing, _has_title),
    "json": (Nothing, is_json),
    "no_commas": (Nothing, lambda text, _: re.search("[,\u060c\u3001\uff0c]", text) is None),
}
"""Every check by its name in `metadata.instructions`."""
