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
_STATED = (
    rf"(?:{_WRONG}(?:\banswer(?: is| would be)?|\bchoose|\bcorrect(?: \w+)? is|\bright (?:option|choice) is)|\\boxed)"
    r" ?[:=\-]? ?"
)
# Looked for first, for most of a response states nothing.
_STATING = re.compile(r"answer|choose|correct|right|best|\\boxed", re.IGNORECASE)
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
_LISTED = re.compile(rf"[*_]*\(?([A-Za-z])(?:[):]|\.(?!\w)){_DENIED}")
_ITEM = re.compile(r"(?<!\w)\(?([A-Za-z])[):](?!\w)")
# "Option B", "My final choice: B": all of a line, for "Option B is old" may go on to anything.
_NAMED = re.compile(r"[*_]*(?:(?:my|the|final|best|correct|right) ){0,3}(?:option|choice)[ :*_]{1,6}", re.IGNORECASE)
_ALONE = re.compile(r"[*_(\[{\"'$`]*([A-Za-z])[*_)\]}\"'$`.:!]*")
# "B is the correct answer" as a sentence of its own: "I doubt that B is correct" and "B is correct, or C" are others.
_SUBJECT = re.compile(
    r"(?:\A|(?<=[.!?]\s))(?:(?:so|thus|hence|therefore),? )?(?:the )?[*_]{0,3}(?:option |choice |answer )?[*_(\[$]{0,4}"
    r"(?P<letter>[A-Z])[*_)\]$]{0,4} is (?:correct|right|the (?:correct|right|best) (?:answer|option|choice|one))"
    r"(?=[*_]{0,3}[.!]?[*_]{0,3}(?:\Z|\n)|[.!][*_]{0,3} (?!(?:or|and|but|no)\b)|,? (?:because|since)\b)",
    re.IGNORECASE,
)


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

    The last statement of an answer decides ("the answer is (B)" by letter or by the option's text, "B is correct");
    without one the last line, if it is or begins with a letter or is an option's text; without that the only letter in
    brackets. Small letters count only in brackets.
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
    named = _longest_first(letters, options)
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
    subjects = _subject_choices(lines, letters) if starts else {}
    if subjects and max(subjects) > max(found, default=-1):
        return set(subjects.values())
    if not found:
        return set()
    letter, end = found[max(found)]
    return {letter} | _joined(lines, end, letters, named)


def _subject_choices(lines: str, letters: str) -> dict[int, str]:
    """The options of which a sentence says that they are right, by the place where it begins."""
    return {
        match.start(): match["letter"].upper()
        for match in _SUBJECT.finditer(lines)
        if match["letter"].upper() in letters and _is_option(lines, match)
    }


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
    return {other[1].upper()} if _is_option(lines, other) or _is_hedge(lines, end, other) else set()


def _is_hedge(lines: str, end: int, other: re.Match[str]) -> bool:
    """Whether a small letter without brackets is another option: "(b) or c", but not "B or a city", "B and e.g. C"."""
    plain = other[1] not in "aiAI" and not re.match(r"\.\w", lines[other.end() : other.end() + 2])
    return plain and _OR.search(lines, end, other.start()) is not None


def _last_line_choice(text: str, letters: str, options: Sequence[str]) -> set[str]:
    *_, earlier, line = ["", "", *[" ".join(line.split()) for line in text.splitlines() if line.strip()]]
    by_text = {letter for letter, option in zip(letters, options, strict=False) if _folded(option) == _folded(line)}
    naming = _NAMED.match(line)
    if naming is None:
        return _lettered(line, earlier, letters, options) or by_text
    # An option's text may itself begin with "Choice".
    return by_text or _named_choice(line[naming.end() :], _NAMED.sub("", earlier, count=1), letters, options)


def _lettered(line: str, earlier: str, letters: str, options: Sequence[str]) -> set[str]:
    """What a line that is or begins with a letter names, and the line before where both are of one list."""
    if alone := _letter_at(_ALONE.fullmatch(line), letters):
        return {alone} | _list_end(_letter_at(_ALONE.fullmatch(earlier), letters), alone)
    match = _LISTED.match(line)
    listed = _letter_at(match, letters)
    if match is None or listed is None:
        return set()
    others = (_letter_at(item, letters) for item in _ITEM.finditer(line, match.end()))
    beside = _joined(line, match.end(1), letters, _longest_first(letters, options))
    return {listed, *filter(None, others)} | beside | _list_end(_letter_at(_LISTED.match(earlier), letters), listed)


def _named_choice(rest: str, earlier: str, letters: str, options: Sequence[str]) -> set[str]:
    """What stands behind "Option" or "Choice:", if it is a letter, an option's text, or a letter with its own text."""
    texts = dict(zip(letters, map(_folded, options), strict=False))
    listed = _LISTED.match(rest)
    letter = _letter_at(listed, letters)
    if listed and letter and _folded(rest[listed.end() :]) not in ("", texts.get(letter)):
        return set()
    by_text = {letter for letter, text in texts.items() if text == _folded(rest)}
    return _lettered(rest, earlier, letters, options) or by_text


def _letter_at(match: re.Match[str] | None, letters: str) -> str | None:
    """The option whose letter a match has as its first group: a capital, or a small one in brackets."""
    if match is None or match[1].upper() not in letters:
        return None
    return match[1].upper() if match[1].isupper() or _is_bracketed(match.string, match.start(1)) else None


def _list_end(before: str | None, letter: str) -> set[str]:
    """The letter of the line before where it is the one before: the end of a list of all options is no choice."""
    return {before} if before is not None and ord(letter) == ord(before) + 1 else set()


def _bracketed_choice(text: str, letters: str, options: Sequence[str]) -> set[str]:
    found = [
        match for match in _BRACKETED.finditer(text) if match["letter"].upper() in letters and not match["negated"]
    ]
    # f(a) is a function of a.
    return {match["letter"].upper() for match in found if match["letter"].isupper() or not _follows_word(match)}


def _follows_word(match: re.Match[str]) -> bool:
    """Whether what is matched stands directly behind a letter or a digit."""
    return match.string[max(0, match.start() - 1) : match.start()].isalnum()


def _longest_first(letters: str, options: Sequence[str]) -> list[tuple[str, str]]:
    """Letters with their options' texts, the longest first: "New York City" is not "New York"."""
    return sorted(zip(letters, options, strict=False), key=lambda pair: -len(pair[1]))


def _folded(text: str) -> str:
    """A text without what may be around it, unless that is all of it."""
    flat = " ".join(text.split()).casefold()
    return flat.strip("*_.!\"'` ") or flat
