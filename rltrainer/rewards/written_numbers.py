r"""PURE: numbers as people and models write them, read exactly by one grammar for answers and for metadata.

docs/howto/rewards.md has the table of what is read. What is not in it is refused in metadata, and a response that ends
with it has no number: nothing is paid for a guess.
"""

import math
import re
import unicodedata
from decimal import Decimal
from fractions import Fraction

from rltrainer.rewards.notations import BLANK, plain_notation

LONGEST = 100
"""Characters of the longest number that is read."""
LARGEST_EXPONENT = 400
"""Of ten, either way: every float is within it, and the exact value stays small in memory."""
# What is looked at around the last digit of a response: more than the longest number and what can stand before it.
_BEFORE_DIGIT, _AFTER_DIGIT = 500, 40
_VULGAR = "\u00bc-\u00be\u2150-\u215e"
_DIGIT = re.compile(rf"[\d{_VULGAR}]")

_MONEY = r"$\u00a2\u00a3\u00a5\u20a0-\u20cf"
_CURRENCY = f"[{_MONEY}]"
_GROUPS = "|".join(rf"(?:{mark}\d{{3}})+" for mark in (",", "'", "_", BLANK))
_WHOLE = rf"(?:(?!0)\d{{1,3}}(?:{_GROUPS})(?!\d)|\d++)"
_DECIMAL = rf"(?:{_WHOLE}(?:\.\d++)?|(?<![\w.])\.\d++)"
_POWER = r"(?:\^ ?(?:\{ ?[-+]?\d++ ?\}|[-+]?\d++)|\*\*[-+]?\d++)"
_TERM = rf"(?:(?<!\d)10 ?{_POWER}|{_DECIMAL}(?:[eE][-+]?\d++| ?[\u00d7xX*] ?10 ?{_POWER})?)"
_LATEX = (
    rf"\\frac(?:\{{ ?(?P<a>[-+]?{_DECIMAL}) ?\}} ?\{{ ?(?P<b>[-+]?{_DECIMAL}) ?\}}"
    r"|(?P<a1>\d)(?:(?P<b1>\d)|\{(?P<b2>\d++)\}))"
)
_RATIO = rf"(?P<a3>{_TERM}) ?/ ?(?P<b3>[-+]?{_TERM})"
# A minus after a digit, a letter or a closing bracket subtracts or joins; after another sign nobody knows.
_SIGN = r"(?<![\w)\]}%+\-\u00b1\u2213])[-+]"
_NUMBER = re.compile(
    rf"(?=[\d.+\-\\{_MONEY}{_VULGAR}])"  # most characters begin no number, which saves the rest
    rf"(?:(?P<sign>{_SIGN})(?:{_CURRENCY} ?)?|{_CURRENCY} ?(?P<sign2>[-+]?))?"
    rf"(?:(?:(?P<whole>{_WHOLE})[ {BLANK}]?)?{_LATEX}"
    rf"|(?:(?P<whole2>{_WHOLE})[ {BLANK}])?{_RATIO}"
    rf"|(?:(?P<whole3>{_WHOLE})[ {BLANK}]?)?(?P<vulgar>[{_VULGAR}])"
    rf"|(?P<term>{_TERM}))"
)
_POWER_OF_TEN = re.compile(r"(?:[eE]|(?: ?[\u00d7xX*] ?|\A)10 ?(?:\^|\*\*))[{ ]*([-+]?\d+)[} ]*\Z")
_GROUP_MARK = re.compile(rf"[,'_{BLANK}]")
_UNIT = re.compile(rf" ?(?:%|{_CURRENCY})?\.?")

# Before or after a number these make it part of something that is not in the table.
_SPOILT_BEFORE = re.compile(
    r"(?:/ ?"  # a date, or what a letter or a bracket is divided by
    r"|\d[eE][-+]?"  # 1e2e3
    r"|\d:|\d-\d+-"  # a time, a ratio, a date
    r"|\d\.[({]?|\.\d+,|(?<!\d)0,"  # 1.2.3, 1.000,50, 0,5
    rf"|\d['_{BLANK}]|\d['_{BLANK} ]\d{{3}},"  # thousands that are none
    r"|\^[{(]? ?|\d\*\*|\w_\{?"  # powers and indices
    r"|\u221a(?:\[[^\]]*\])?[{(]? ?|(?<![A-Za-z])(?:sqrt|log|ln|lg|sin|cos|tan|exp) ?[({\[]?"
    r"|[\u00b1\u2213] ?|(?<![\w)\]}%])[-+])\Z"
)
_BLANK_GROUPS = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})* \Z")
_SPOILT_AFTER = re.compile(r" ?[\^\u221a\u03c0]|\*\*\d")
_HEXADECIMAL = re.compile(r"(?<!\d)0[xX][0-9A-Fa-f]")
_MONEY_BEFORE = re.compile(r"(?<![A-Za-z])(?:USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD|Rs|kr)\Z")
_COMMAND_BEFORE = re.compile(r"\\[A-Za-z]+\Z")
_BRACE = re.compile(r"(?:(\\[A-Za-z]+|\u221a(?:\[[^\]]*\])?|\^|_) ?)?\{|\}")
_TRANSPARENT = frozenset(["", r"\text", r"\textbf", r"\textrm", r"\mathrm", r"\mathbf", r"\mathit", r"\mbox"])
_BOX = re.compile(r"\\boxed ?\{")
_LONGEST_BOX = 2_000
_BOX_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)


def last_number(text: str) -> Fraction | None:
    r"""The number that a text ends with: the last one in its last `\boxed{}`, or without a box the last one of all.

    None where there is none, and where what stands there is not in the table. Only the surroundings of the last digit
    are read, so that a long response takes little longer than a short one.
    """
    box = _BOX.match(text, max(text.rfind(r"\boxed{"), text.rfind(r"\boxed {"), 0))
    content = _inside_box(text, box.end()) if box else text
    return None if content is None else _last_of(content)


def parse_number(value: object) -> Fraction:
    """A number out of metadata, given as a JSON number or as text that is one whole number of the grammar.

    A float counts as the decimal that JSON spells it with. Raises: ValueError where it is neither.
    """
    number = _number_of(value)
    if number is None:
        shown = repr(value) if not isinstance(value, int) or abs(value) < 10**LONGEST else "one of too many digits"
        shown = shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}…"
        raise ValueError(f"expected a number, such as 18, '1,234.5', '-3/4' or '2e5', got {shown}")
    return number


def _number_of(value: object) -> Fraction | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Fraction(value) if abs(value) < 10**LONGEST else None
    if isinstance(value, float):
        return Fraction(Decimal(repr(value))) if math.isfinite(value) else None
    if not isinstance(value, str) or len(value) > 2 * LONGEST:
        return None
    plain = plain_notation(value.strip())
    found = _NUMBER.match(plain)
    return _value(found) if found and _UNIT.fullmatch(plain, found.end()) else None


def _last_of(text: str) -> Fraction | None:
    """The last number of a text without regard to boxes."""
    # Backwards, for a response is long and its last digit near the end.
    found = _DIGIT.search(text[::-1])
    if not found:
        return None
    end = len(text) - found.start()
    start = max(0, end - _BEFORE_DIGIT)
    plain = plain_notation(text[start : end + _AFTER_DIGIT])
    numbers = list(_NUMBER.finditer(plain))
    # A number that the cut may have shortened is not read.
    if not numbers or (start and numbers[-1].start() < LONGEST) or _is_spoilt(plain, numbers[-1]):
        return None
    return _value(numbers[-1])


def _inside_box(text: str, start: int) -> str | None:
    """What stands from a place up to the brace that closes it; None where none does, as in a response cut off.

    A box of more than `_LONGEST_BOX` characters is no answer either.
    """
    depth = 1
    for brace in _BOX_BRACE.finditer(text, start, start + _LONGEST_BOX):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if not depth:
            return text[start : brace.start()]
    return None


def _is_spoilt(plain: str, number: re.Match[str]) -> bool:
    """Whether a number is part of something that is not in the table."""
    before = plain[: number.start()]
    if _SPOILT_BEFORE.search(before[-LONGEST:]) or _SPOILT_AFTER.match(plain, number.end()):
        return True
    if _is_named(before, number[0]) or _HEXADECIMAL.match(plain, number.start()):
        return True
    if before.endswith(",") and re.match(r"\d,\Z", before[-2:]) and re.match(r"0\d", number[0]):
        return True
    if before.endswith(" ") and re.match(r"\d{3}(?!\d)", number[0]) and _BLANK_GROUPS.search(before[-LONGEST:]):
        return True
    return "{" in before and not _TRANSPARENT.issuperset(_owners(before))


def _is_named(before: str, number: str) -> bool:
    r"""Whether a letter stands directly before the digits: `v1.2`, `A4`, `x1` and `0x1F` are names or other numerals.

    Scripts without upper and lower case put no blank there: in them it is a word before a number.
    """
    letter = before[-1:]
    if not (letter.isupper() or letter.islower()) or number[0] in "+-\\" or re.match(_CURRENCY, number):
        return False
    return not any(known.search(before[-LONGEST:]) for known in (_COMMAND_BEFORE, _MONEY_BEFORE))


def _owners(before: str) -> list[str]:
    r"""The LaTeX commands whose braces are open at the end of a text: `\frac` for each of a fraction's two."""
    owners: list[str] = []
    closed, closed_at = "", -1
    for found in _BRACE.finditer(before):
        if found[0] == "}":
            closed, closed_at = owners.pop() if owners else "", found.end()
        else:
            owners.append(found[1] or (closed if found.start() == closed_at else ""))
    return owners


def _value(number: re.Match[str]) -> Fraction | None:
    """The exact value; None where it has none, is ambiguous as a mixed number, or is larger than anybody writes."""
    if len(number[0]) > LONGEST:
        return None
    groups = number.groupdict()
    whole, above, below = (
        next((groups[name] for name in names if groups[name] is not None), None)
        for names in (("whole", "whole2", "whole3"), ("a", "a1", "a3"), ("b", "b1", "b2", "b3"))
    )
    if groups["vulgar"] is not None:
        above, _, below = unicodedata.normalize("NFKC", groups["vulgar"]).partition("\u2044")
    value = _term(groups["term"]) if groups["term"] is not None else _ratio(whole, above or "", below or "")
    negative = "-" in (groups["sign"], groups["sign2"])
    return -value if negative and value is not None else value


def _ratio(whole: str | None, above: str, below: str) -> Fraction | None:
    numerator, denominator = _term(above), _term(below)
    if numerator is None or not denominator:
        return None
    if whole is None:
        return numerator / denominator
    # 2 1/2 is a mixed number; "3 5/2" may be two numbers or a product.
    if not (above.isdecimal() and below.isdecimal() and 0 < numerator < denominator):
        return None
    return (_term(whole) or 0) + numerator / denominator


def _term(text: str) -> Fraction | None:
    """The exact value of a decimal with or without a power of ten."""
    unsigned = text.lstrip("+-")
    power = _POWER_OF_TEN.search(unsigned)
    exponent = int(power[1]) if power else 0
    if abs(exponent) > LARGEST_EXPONENT:
        return None
    digits = _GROUP_MARK.sub("", unsigned[: power.start()] if power else unsigned) or "1"
    value = Fraction(Decimal(digits)) * Fraction(10) ** exponent
    return -value if text.startswith("-") else value
