"""PURE: which option of a question a response settles on."""

import re
from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

MOST_OPTIONS = 10
"""Letters A to J where the options themselves are not known."""
# Where somebody says that this is the answer: "the answer is (B)", "Answer: **B**", "\boxed{B}". Blanks come one at a
# time and wrappings are few, for a policy that goes astray writes thousands of either.
_STATED = r"(?:\banswer(?: is| would be)?|\bchoose|\bcorrect(?: \w+)? is|\\boxed) ?[:=\-]? ?"
_WRAPPING = r"[\s*_\"'(\[{<$`]{0,6}"
_LETTER = r"(?:\\(?:text|textbf|mathrm|mathbf)\{)?(?:option |choice )?[*_(\[{]{0,4}(?P<letter>[A-Z])(?![\w'’])"
_STATED_LETTER = re.compile(_STATED + _WRAPPING + _LETTER, re.IGNORECASE)
# "B or C" settles on nothing.
_HEDGE = re.compile(r"[)\]}*_.]{0,6} ?(?:,|/|\bor\b|\band\b) ?(?:option )?[(\[*]{0,4}(?P<letter>[A-Z])(?![\w'’])")


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
        settled = find(text, letters, options)
        if settled:
            return settled.pop() if len(settled) == 1 else None
    return None


def _stated_choice(text: str, letters: str, options: Sequence[str]) -> set[str]:
    """What the last statement names: several letters where it hedges, one that is no option where it is off."""
    flat = " ".join(text.split())
    found: dict[int, set[str]] = {}
    for match in _STATED_LETTER.finditer(flat):
        # Ignoring case serves the words; an article ("the answer is a number") is no option.
        if match["letter"].isupper() and match["letter"] in letters:
            hedge = _HEDGE.match(flat, match.end())
            found[match.start()] = {match["letter"]} | ({hedge["letter"]} & set(letters) if hedge else set())
    # The longest first: "New York City" is not "New York".
    named = sorted(zip(letters, options, strict=False), key=lambda pair: -len(pair[1]))
    for letter, option in named:
        pattern = _STATED + _WRAPPING + re.escape(" ".join(option.split())) + r"(?!\w)"
        for match in re.finditer(pattern, flat, re.IGNORECASE):
            found.setdefault(match.start(), {letter})
    return found[max(found)] if found else set()


def _last_line_choice(text: str, letters: str, options: Sequence[str]) -> set[str]:
    last = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
    if alone := re.fullmatch(rf"[*_(\[{{\"'$`]*([{letters}])[*_)\]}}\"'$`.:!]*", last):
        return {alone[1]}
    if listed := re.match(rf"[*_]*\(?([{letters}])[).:]", last):
        return {listed[1]}
    bare = last.strip("*_.!\"'` ").casefold()
    return {letter for letter, option in zip(letters, options, strict=False) if option.strip(" .").casefold() == bare}


def _bracketed_choice(text: str, letters: str, options: Sequence[str]) -> set[str]:
    return set(re.findall(rf"[(\[]([{letters}])[)\]]", text))
