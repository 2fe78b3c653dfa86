"""PURE: which option of a question a response settles on."""

import re
from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

MOST_OPTIONS = 10
"""Letters A to J where the options themselves are not known."""
# Where somebody says that this is the answer: "the answer is (B)", "Answer: **B**", "\boxed{B}". Blanks come one at a
# time and wrappings are few, for a policy that goes astray writes thousands of either.
_WRONG = r"(?<!wrong )(?<!incorrect )(?<!false )(?<!not )(?<!n't )(?<!n’t )(?<!never )"
_STATED = rf"(?:{_WRONG}(?:\banswer(?: is| would be)?|\bchoose|\bcorrect(?: \w+)? is)|\\boxed) ?[:=\-]? ?"
# Looked for first, for most of a response states nothing.
_STATING = re.compile(r"answer|choose|correct|\\boxed", re.IGNORECASE)
_WRAPPING = r"[\s*_\"'(\[{<$`]{0,6}"
_LETTER = r"(?:\\(?:text|textbf|mathrm|mathbf)\{)?(?:option |choice )?[*_(\[{]{0,4}(?P<letter>[A-Z])(?![\w'’])"
# "Answer B is wrong" chooses nothing.
_DENIED = r"(?! (?:is (?:not|wrong|incorrect|false)|isn['’]t|cannot|can['’]t)\b)"
_STATED_LETTER = re.compile(_STATED + _WRAPPING + _LETTER + _DENIED, re.IGNORECASE)
# "A" and "I" are words too: before another word they are options only where it goes on about the choice.
_GOES_ON = re.compile(r" (?!(?:because|since|as|for|due|which|with|and|or|but|that|is|was)\b)\w", re.IGNORECASE)
# "B or C", "B (or C)" and "B, Paris" settle on nothing, unless Paris is B.
_JOINT = re.compile(
    r"[)\]}*_.:\-]{0,6} ?[(\[]?(?:,|/|;|&|\+|\||\bor\b|\band\b)? ?(?:(?:and|or|maybe|perhaps|possibly|also) ){0,2}"
    r"(?:option |choice )?[(\[*]{0,4}",
    re.IGNORECASE,
)
_JOINS = re.compile(r"[,/;&+|]|\b(?:or|and)\b", re.IGNORECASE)
_OR = re.compile(r"[/&+|]|\b(?:or|and)\b", re.IGNORECASE)
_OTHER = re.compile(r"(?P<letter>[A-Za-z])(?![\w'’])")
_BLANKS = re.compile(r"\s+")
_SAID_OR = re.compile(r"\\text\{ ?(or|and) ?\}")
_NEGATED = (
    r"(?:\b(?:not|never|neither|nor|(?:wrong|incorrect|false)(?: answer| choice| option)?)|n['’]t)(?: is| be)?:? "
    r"(?:option |choice )?"
)
_BRACKETED = re.compile(rf"(?P<negated>{_NEGATED})?[(\[](?P<letter>[A-Z])[)\]]{_DENIED}", re.IGNORECASE)
_LISTED = re.compile(rf"[*_]*\(?([A-Z])(?:[):]|\.(?!\w)){_DENIED}")


def read_choices(metadata: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The right letter of a prompt's `answer` and its `choices`, the options' texts (empty where they are not given).

    Raises: ValueError saying what is wrong with which of the two.
    """
    options = metadata.get("choices", [])
    if not isinstance(options, list) or not all(isinstance(option, str) and option.strip() for option in options):
        raise ValueError("metadata.choices: expected a list of the options' texts")
    if len(options) == 1 or len(options) > len(ascii_uppercase):
        raise ValueError(f"metadata.choices: expected 2 to {len(ascii_uppercase)} options, got {len(options)}")
    folded = [_folded(option) for option in options]
    if twice := [option for place, option in enumerate(options) if folded[place] in folded[:place]]:
        raise ValueError(f"metadata.choices: {twice[0]!r} is there twice, whatever its case; an answer may name it")
    answer = metadata.get("answer")
    letters = ascii_uppercase[: len(options) or MOST_OPTIONS]
    letter = answer.strip().upper() if isinstance(answer, str) else ""
    named = letters[options.index(answer)] if answer in options else None
    if len(letter) == 1 and letter in letters:
        if named not in (None, letter):
            raise ValueError(f"metadata.answer: {answer!r} is a letter and the text of option {named}; give {named!r}")
        return letter, tuple(options)
    if named is not None:
        return named, tuple(options)
    raise ValueError(f"metadata.answer: expected a letter (A to {letters[-1]}) or one of the options, got {answer!r}")


def final_choice(text: str, options: Sequence[str] = ()) -> str | None:
    """The letter that a response settles on; None where it settles on none.

    The last statement of an answer decides ("the answer is (B)"), by letter or by the option's text; without one the
    last line, if it is or begins with a letter or is an option's text; without that the only letter in brackets.
    Several options side by side settle on none, and neither does what is said to be wrong.
    """
    letters = ascii_uppercase[: len(options) or MOST_OPTIONS]
    for find in (_stated_choice, _last_line_choice, _bracketed_choice):
        settled = find(text, letters, options)
        if settled:
            return settled.pop() if len(settled) == 1 else None
    return None


def _stated_choice(text: str, letters: str, options: Sequence[str]) -> set[str]:
    """What the last statement names: several letters where it hedges, one that is no option where it is off."""
    # One blank or one end of a line for each run of blanks: what follows on the next line is no part of a statement.
    lines = _BLANKS.sub(lambda run: "\n" if "\n" in run[0] else " ", _SAID_OR.sub(r" \1 ", text).strip())
    flat = lines.replace("\n", " ")
    # The longest first: "New York City" is not "New York".
    named = sorted(zip(letters, options, strict=False), key=lambda pair: -len(pair[1]))
    patterns = [
        (
            letter,
            re.compile(_STATED + _WRAPPING + re.escape(" ".join(option.split())) + r"(?!\w)" + _DENIED, re.IGNORECASE),
        )
        for letter, option in named
    ]
    starts = [word.start() for word in _STATING.finditer(flat)]
    found: dict[int, tuple[str, int]] = {}
    for start in starts:
        match = _STATED_LETTER.match(flat, start)
        if match and match["letter"].upper() in letters and _is_option(lines, match):
            found[start] = (match["letter"].upper(), match.end())
            continue
        for letter, pattern in patterns:
            if match := pattern.match(flat, start):
                found.setdefault(start, (letter, match.end()))
    if not found:
        return set()
    letter, end = found[max(found)]
    return {letter} | _joined(lines, end, letters, named)


def _is_option(lines: str, match: re.Match[str]) -> bool:
    """Whether a letter is no word: ignoring case serves the words around it, and an article is no option."""
    start, end = match.span("letter")
    if lines[start].islower():
        return _is_bracketed(lines, start)
    return lines[start] not in "AI" or lines[start - 1] in "([{*_" or not _GOES_ON.match(lines, end)


def _is_bracketed(lines: str, place: int) -> bool:
    return lines[place - 1 : place] in ("(", "[") and lines[place + 1 : place + 2] in (")", "]")


def _joined(lines: str, end: int, letters: str, named: Sequence[tuple[str, str]]) -> set[str]:
    """The options that stand right behind one, by text or, after a word or sign that joins them, by letter."""
    joint = _JOINT.match(lines, end)
    rest = end if joint is None else joint.end()
    # "B. Paris is not in Italy" goes on to a sentence, "B. Paris" names another option.
    goes_on = r"\w" if _OR.search(lines, end, rest) else r" ?\w"
    for letter, option in named:
        text = " ".join(option.split())
        behind = rest + len(text)
        if lines[rest:behind].casefold() == text.casefold() and not re.match(goes_on, lines[behind : behind + 2]):
            return {letter}
    other = _OTHER.match(lines, rest)
    if other is None or other[1].upper() not in letters or not _JOINS.search(lines, end, rest):
        return set()
    return {other[1].upper()} if _is_option(lines, other) else set()


def _last_line_choice(text: str, letters: str, options: Sequence[str]) -> set[str]:
    *_, earlier, last = ["", "", *[line.strip() for line in text.splitlines() if line.strip()]]
    if alone := re.fullmatch(rf"[*_(\[{{\"'$`]*([{letters}])[*_)\]}}\"'$`.:!]*", last):
        return {alone[1]}
    listed, before = _LISTED.match(last), _LISTED.match(earlier)
    if listed and listed[1] in letters:
        # The end of a list of all options is no choice among them.
        follows = before is not None and ord(listed[1]) == ord(before[1]) + 1
        others = re.findall(rf"(?<!\w)\(?([{letters}])[):](?!\w)", last[listed.end() :])
        return {listed[1], *others, *([before[1]] if follows and before else [])}
    return {letter for letter, option in zip(letters, options, strict=False) if _folded(option) == _folded(last)}


def _bracketed_choice(text: str, letters: str, options: Sequence[str]) -> set[str]:
    found = list(_BRACKETED.finditer(text))
    return {match["letter"] for match in found if match["letter"] in letters and not match["negated"]}


def _folded(text: str) -> str:
    """A text without what may be around it, unless that is all of it."""
    flat = " ".join(text.split()).casefold()
    return flat.strip("*_.!\"'` ") or flat
