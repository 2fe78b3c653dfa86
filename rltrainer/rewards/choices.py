"""PURE: which option of a question a response settles on."""

import re
from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

MOST_OPTIONS = 10
"""Letters A to J where the options themselves are not known."""
# Where somebody says that this is the answer: "the answer is (B)", "Answer: **B**", "\boxed{B}".
_STATED = r"(?:\banswer(?:\s+is|\s+would\s+be)?|\bchoose|\bcorrect(?:\s+\w+)?\s+is|\\boxed)\s*[:=\-]?\s*"
_WRAPPED = (
    r"[\s*_\"'(\[{{<$`]*(?:\\(?:text|textbf|mathrm|mathbf)\{{)?(?:option\s+|choice\s+)?[*_(\[{{]*{letter}(?![\w'’])"
)
# "B or C" settles on nothing.
_HEDGE = re.compile(r"[)\]}*_.]*\s*(?:,|/|\bor\b|\band\b)\s*(?:option\s+)?[(\[*]*([A-Z])(?![\w'’])")


def read_choices(metadata: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The right letter of a prompt's `answer` and its `choices`, the options' texts (empty where they are not given).

    Raises: ValueError saying what is wrong with which of the two.
    """
    options = metadata.get("choices", [])
    if not isinstance(options, list) or not all(isinstance(option, str) and option.strip() for option in options):
        raise ValueError("metadata.choices: expected a list of the options' texts")
    if len(options) == 1 or len(options) > len(ascii_uppercase):
        raise ValueError(f"metadata.choices: expected 2 to {len(ascii_uppercase)} options, got {len(options)}")
    answer = metadata.get("answer")
    letters = ascii_uppercase[: len(options) or MOST_OPTIONS]
    if isinstance(answer, str) and len(answer.strip()) == 1 and answer.strip().upper() in letters:
        return answer.strip().upper(), tuple(options)
    if isinstance(answer, str) and answer in options:
        return letters[options.index(answer)], tuple(options)
    raise ValueError(f"metadata.answer: expected a letter (A to {letters[-1]}) or one of the options, got {answer!r}")


def final_choice(text: str, options: Sequence[str] = ()) -> str | None:
    """The letter that a response settles on; None where it settles on none.

    The last statement of an answer decides ("the answer is (B)"), by letter or by the option's text; without one the
    last line, if it is or begins with a letter or is an option's text; without that the only letter in brackets.
    """
    letters = ascii_uppercase[: len(options) or MOST_OPTIONS]
    for find in (_stated_choice, _last_line_choice, _bracketed_choice):
        decided, letter = find(text, letters, options)
        if decided:
            return letter
    return None


def _stated_choice(text: str, letters: str, options: Sequence[str]) -> tuple[bool, str | None]:
    """Whether an answer is stated at all, and which."""
    found: list[tuple[int, str | None]] = []
    for match in re.finditer(_STATED + _letter_in(letters), text, re.IGNORECASE):
        # Ignoring case serves the words; an article ("the answer is a number") is no option.
        if match["letter"].isupper():
            found.append((match.start(), _unless_hedged(text, match, letters)))
    for letter, option in zip(letters, options, strict=False):
        pattern = _STATED + r"[\s*_\"'(\[{]*" + re.escape(option.strip()) + r"(?!\w)"
        found += [(match.start(), letter) for match in re.finditer(pattern, text, re.IGNORECASE)]
    return (True, max(found)[1]) if _is_single(found) else (bool(found), None)


def _last_line_choice(text: str, letters: str, options: Sequence[str]) -> tuple[bool, str | None]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    if alone := re.fullmatch(rf"[*_(\[{{\"'$`]*([{letters}])[*_)\]}}\"'$`.:!]*", last):
        return True, alone[1]
    if listed := re.match(rf"[*_]*\(?([{letters}])[).:]", last):
        return True, listed[1]
    bare = last.strip("*_.!\"'` ").casefold()
    named = [letter for letter, option in zip(letters, options, strict=False) if option.strip(" .").casefold() == bare]
    return (True, named[0]) if named else (False, None)


def _bracketed_choice(text: str, letters: str, options: Sequence[str]) -> tuple[bool, str | None]:
    found = set(re.findall(rf"[(\[]([{letters}])[)\]]", text))
    return (True, found.pop()) if len(found) == 1 else (False, None)


def _letter_in(letters: str) -> str:
    return _WRAPPED.format(letter=f"(?P<letter>[{letters}])")


def _unless_hedged(text: str, match: re.Match[str], letters: str) -> str | None:
    hedge = _HEDGE.match(text, match.end())
    return None if hedge and hedge[1] in letters and hedge[1] != match["letter"] else match["letter"]


def _is_single(found: Sequence[tuple[int, str | None]]) -> bool:
    """Whether the last statement names one option only."""
    last = max((start for start, _ in found), default=None)
    return len({letter for start, letter in found if start == last}) == 1 and (last, None) not in found
