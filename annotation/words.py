"""PURE. Texts as the words by which they are found, and what people type as a query for them.

Done here and not by the database, whose word breaking depends on the locale it was made with.
"""

import re
from collections.abc import Iterable

LONGEST_WORD = 60
MOST_WORDS = 20_000
"""Distinct words of one text; the index takes texts up to a megabyte of them."""
# Scripts written without spaces: Han, kana, Hangul, Thai, Lao, Khmer, Burmese. Their runs are cut into pairs.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_PIECE = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+")
_RUN = re.compile(rf"[{_UNSPACED}]")
_ASCII_PIECE = re.compile("[a-z0-9]+")
"""What _PIECE finds in ASCII of lower case, in a third of the time."""


def index_words(texts: Iterable[str]) -> list[str]:
    """The distinct words of texts, in lower case; a run of a script without spaces gives its characters and pairs."""
    found: set[str] = set()
    for text in texts:
        found.update(_words(text.casefold()))
        if len(found) >= MOST_WORDS:
            break
    return sorted(found)[:MOST_WORDS]


def search_query(text: str) -> str:
    """What was typed as a tsquery: all words must occur, each may go on; "" when it holds no word.

    Only letters and digits get into it, quoted, so nothing that was typed is taken for an operator.
    """
    terms = []
    for piece in _PIECE.findall(text.casefold()):
        if _RUN.match(piece):
            terms += [f"'{pair}'" for pair in (_pairs(piece) or [piece])]
        else:
            terms.append(f"'{piece[:LONGEST_WORD]}':*")
    return " & ".join(terms)


def _words(text: str) -> set[str]:
    if text.isascii():
        return {piece[:LONGEST_WORD] for piece in set(_ASCII_PIECE.findall(text))}
    found: set[str] = set()
    for piece in set(_PIECE.findall(text)):
        found.update(_parts(piece) if _RUN.match(piece) else [piece[:LONGEST_WORD]])
    return found


def _parts(run: str) -> list[str]:
    return [*run, *_pairs(run)]


def _pairs(run: str) -> list[str]:
    return [run[place : place + 2] for place in range(len(run) - 1)]
