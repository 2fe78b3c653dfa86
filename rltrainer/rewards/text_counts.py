"""PURE: words, sentences and the like of a text, in any language."""

import re
import unicodedata

# Chinese and Japanese put no blanks between words: each of these characters counts as one.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+(?:['\u2019\-][^\W_{_UNSPACED}]+)*")
# A full stop ends a sentence before a blank only, so that 3.5 is no end; the others end it in any case.
_SENTENCE_END = re.compile(
    r"(?<![.!?\u2026])[.!?\u2026]+[\"'\u201d\u2019)\]*_]*(?=\s|$)|[\u3002\uff01\uff1f\u061f\u0964]+"
)
_PARAGRAPH_END = re.compile(r"\n\s*\n")
_BULLET = re.compile(r"^[^\S\n]*(?:[*\-+\u2022]|\d+[.)])[^\S\n]+\S", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\[[^\[\]\n]+\]")
_VISIBLE = re.compile("[^\\s\u00ad\u180e\u200b-\u200f\u2060-\u2064\ufeff]")
_HIGHLIGHT = re.compile(r"(?<!\*)\*{1,2}[^*\s][^*\n]*\*{1,2}(?!\*)")


def has_text(text: str) -> bool:
    """Whether anything can be seen of a text; blanks and characters without width cannot."""
    return _VISIBLE.search(text) is not None


def count_words(text: str) -> int:
    """Words: runs of letters and digits (`don't` and `well-known` are one each), or single unspaced characters."""
    return len(_WORD.findall(text))


def count_sentences(text: str) -> int:
    """Pieces with a word in them between ends of sentences."""
    return sum(bool(_WORD.search(piece)) for piece in _SENTENCE_END.split(text))


def count_paragraphs(text: str) -> int:
    """Pieces with something in them between empty lines."""
    return len(paragraphs_of(text))


def count_lines(text: str) -> int:
    """Lines with something in them."""
    return sum(map(has_text, text.splitlines()))


def count_characters(text: str) -> int:
    """Characters, blanks around the text left out."""
    return len(text.strip())


def count_bullets(text: str) -> int:
    """Lines that begin with a bullet or a number and have something behind it."""
    return len(_BULLET.findall(text))


def count_placeholders(text: str) -> int:
    """Places to fill in, as in `[name]`."""
    return len(_PLACEHOLDER.findall(text))


def count_highlights(text: str) -> int:
    """Passages between asterisks."""
    return len(_HIGHLIGHT.findall(text))


def count_capital_words(text: str) -> int:
    """Words of two letters or more in capitals only."""
    return sum(word.isupper() and sum(map(str.isalpha, word)) > 1 for word in _WORD.findall(text))


def count_letter(text: str, letter: str) -> int:
    """How often a letter stands in a text, whatever its case."""
    return _folded(text).count(_folded(letter))


def count_sections(text: str, marker: str) -> int:
    """Lines that begin with the marker and a number, as in `Section 2`; marks of emphasis before it do not count."""
    return len(re.findall(rf"^[^\S\n]*[#*_]{{0,6}} ?{re.escape(marker)} ?\d+", text, re.MULTILINE))


def count_separated(text: str, marker: str) -> int:
    """Pieces with something in them between markers."""
    return sum(map(has_text, text.split(marker)))


def paragraphs_of(text: str) -> list[str]:
    """The paragraphs, blanks around each left out."""
    return [piece.strip() for piece in _PARAGRAPH_END.split(text) if has_text(piece)]


def count_phrase(text: str, phrase: str) -> int:
    """How often a word or phrase stands in a text, whatever its case and the blanks within it.

    Inside a longer word it does not count; underscores, with which Markdown stresses, are no part of a word.
    """
    phrase = phrase.strip()
    pattern = r"\s+".join(re.escape(word) for word in _folded(phrase).split())
    unspaced = re.search(f"[{_UNSPACED}]", phrase)
    if not unspaced and _is_word_character(phrase[0]):
        pattern = rf"(?<![^\W_]){pattern}"
    if not unspaced and _is_word_character(phrase[-1]):
        pattern = rf"{pattern}(?![^\W_])"
    return len(re.findall(pattern, _folded(text)))


def _folded(text: str) -> str:
    """A text without case and with one spelling for each accented letter."""
    return unicodedata.normalize("NFC", text.casefold())


def _is_word_character(character: str) -> bool:
    return re.fullmatch(r"\w", character) is not None
