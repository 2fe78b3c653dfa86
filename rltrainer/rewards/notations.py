"""PURE: the many ways to type one mathematical sign, made one: Unicode and LaTeX to what a grammar can read."""

import re

BLANK = "\u2009"
"""Any blank that may part thousands: thin, narrow, figure or no-break space, and LaTeX's own."""
_CHARACTERS = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d", "-"),
        **dict.fromkeys("\ufe62\uff0b", "+"),
        **dict.fromkeys("\u00a0\u2007\u2009\u202f", BLANK),
        **dict.fromkeys("\u00b7\u22c5\u2219\u2715\u2a2f", "\u00d7"),
        **dict.fromkeys("\u2044\u2215", "/"),
        **dict.fromkeys("\u2019\u02bc", "'"),
        # Arabic signs for decimals and thousands, and the wide percent sign.
        "\u066b": ".",
        "\u066c": ",",
        "\uff05": "%",
        "\u066a": "%",
    }
)
_COMMANDS = {
    **dict.fromkeys(("frac", "dfrac", "tfrac", "cfrac"), r"\frac"),
    **dict.fromkeys(("times", "cdot"), "\u00d7"),
    **dict.fromkeys(("left", "right", "!"), ""),
    **dict.fromkeys((",", ";", ":", " "), BLANK),
    "sqrt": "\u221a",
    "pi": "\u03c0",
    "pm": "\u00b1",
    "mp": "\u2213",
    "$": "$",
    "%": "%",
}
_COMMAND = re.compile(r"\\((?:[dtc]?frac|times|cdot|left|right|sqrt|pi|pm|mp)(?![A-Za-z])|[!,;: $%])")
# Units squared, degrees and ordinals carry an exponent that is no part of the number.
_UNIT_POWER = re.compile(
    r"((?<![A-Za-z])(?:[cdkm]?m|ft|in|yd|mi|s|h|units?|feet|inches|yards|miles|met(?:er|re)s)"
    r"|\\(?:text|textrm|mathrm|mbox)\{[^{}]{0,40}\})\^(?:\{ ?-?\d{1,3} ?\}|-?\d)(?!\d)"
)
_DEGREES = re.compile(r"\^ ?\{? ?(?:\\circ|(?:\\text\{)?(?:st|nd|rd|th)(?![a-z]))\}{0,2}")
_RAISED = re.compile("(?<=[\\d)])[\u00b9\u00b2\u00b3\u2070\u2074-\u207b]+")
_RAISED_CHARACTERS = str.maketrans(
    "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207a\u207b", "0123456789+-"
)
# Elsewhere a minus that stands apart from its number is a dash or a subtraction.
_MINUS_APART = re.compile(r"([=\u2248:(]) ?- ?(?=[\d.$\\])")


def plain_notation(text: str) -> str:
    r"""A text with one spelling for each sign: `-` for every minus, `×` for `\times`, `\frac` for `\dfrac`."""
    text = text.translate(_CHARACTERS)
    if "\\" in text:
        text = _COMMAND.sub(lambda found: _COMMANDS[found[1]], text)
    text = text.replace("{,}", ",")
    if "^" in text:
        text = _UNIT_POWER.sub(r"\1", _DEGREES.sub("\u00b0", text))
    text = _RAISED.sub(lambda found: "^{" + found[0].translate(_RAISED_CHARACTERS) + "}", text)
    return _MINUS_APART.sub(r"\1-", text)
