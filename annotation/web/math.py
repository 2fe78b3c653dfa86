"""LaTeX in markdown as MathML, which browsers draw by themselves: no script, no font, no style is sent for it.

Formulas are as hostile as the text around them. What the converter builds is written anew here, from a list of known
elements and attributes and with every text escaped; links, classes and colours that a formula asks for are left out.
A formula that cannot be read is shown as it was typed.
"""

import re
from collections.abc import Callable
from html import unescape
from typing import Any
from xml.etree.ElementTree import Element

from django.utils.html import escape
from latex2mathml.converter import convert_to_element
from latex2mathml.exceptions import (
    DenominatorNotFoundError,
    DoubleSubscriptsError,
    DoubleSuperscriptsError,
    ExtraLeftOrMissingRightError,
    InvalidAlignmentError,
    InvalidStyleForGenfracError,
    InvalidWidthError,
    LimitsMustFollowMathOperatorError,
    MissingEndError,
    MissingSuperScriptOrSubscriptError,
    NoAvailableTokensError,
    NumeratorNotFoundError,
)
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

LONGEST_FORMULA = 1_000
MOST_FORMULAS = 200
"""A text with more is no text that a person judges; the rest stays as typed."""
_UNREADABLE = (
    DenominatorNotFoundError, DoubleSubscriptsError, DoubleSuperscriptsError, ExtraLeftOrMissingRightError,
    InvalidAlignmentError, InvalidStyleForGenfracError, InvalidWidthError, LimitsMustFollowMathOperatorError,
    MissingEndError, MissingSuperScriptOrSubscriptError, NoAvailableTokensError, NumeratorNotFoundError,
    RecursionError, ValueError, IndexError, KeyError, TypeError, AttributeError, StopIteration,
)  # fmt: skip
_ELEMENTS = {
    "math", "menclose", "mfrac", "mi", "mmultiscripts", "mn", "mo", "mover", "mpadded", "mphantom", "mroot", "mrow",
    "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext", "mtr", "munder", "munderover",
}  # fmt: skip
_ATTRIBUTES = {
    "accent", "columnalign", "columnspacing", "depth", "display", "displaystyle", "fence", "form", "height",
    "largeop", "linethickness", "lspace", "mathsize", "mathvariant", "maxsize", "minsize", "movablelimits", "notation",
    "rowspacing", "rspace", "scriptlevel", "separator", "stretchy", "symmetric", "width",
}  # fmt: skip
_PLAIN_VALUE = re.compile(r"[-+.%\w ]{1,60}", re.ASCII)
_INLINE = [(re.compile(opener, re.DOTALL), shown) for opener, shown in (
    (r"\$\$(?!\$)(.+?)\$\$", "block"),
    (r"\\\[(.+?)\\\]", "block"),
    (r"\\\((.+?)\\\)", "inline"),
    # "$5 or $6" is money: a formula does not begin or end with a space, and no digit follows it.
    (r"\$(?![\s$])((?:\\.|[^$\\\n])+?)(?<![\s\\])\$(?!\d)", "inline"),
)]  # fmt: skip
_FENCES = {"$$": "$$", "\\[": "\\]"}


def add_math(parser: MarkdownIt, hold: Callable[[dict[str, Any], str], str]) -> None:
    r"""Teaches the parser $…$, $$…$$, \(…\) and \[…\].

    hold(env, html): takes finished HTML that must not be cleaned again, and gives what stands for it in the page.
    """
    parser.inline.ruler.before("escape", "math", _read_inline)
    parser.block.ruler.before("fence", "math_block", _read_block, {"alt": ["paragraph", "blockquote", "list"]})
    for name in ("math", "math_block"):
        parser.add_render_rule(name, lambda _self, tokens, index, _options, env: _show(tokens[index], env, hold))


def _show(token: Any, env: dict[str, Any], hold: Callable[[dict[str, Any], str], str]) -> str:
    env["formulas"] = env.get("formulas", 0) + 1
    html = render_formula(token.content, display=token.info) if env["formulas"] <= MOST_FORMULAS else None
    shown = hold(env, html) if html else f"<code>{escape(token.markup)}</code>"
    if token.info == "inline":
        return shown
    tag = "div" if token.type == "math_block" else "span"
    return f'<{tag} class="math" tabindex="0">{shown}</{tag}>'


def render_formula(latex: str, *, display: str) -> str | None:
    """MathML of a formula, safe to show; None where it cannot be read. display: inline or block."""
    if len(latex) > LONGEST_FORMULA:
        return None
    try:
        element = convert_to_element(latex.strip(), display=display)
        return _write(element, alttext=latex.strip())
    except _UNREADABLE:
        return None


def _write(element: Element, alttext: str = "") -> str:
    inside = escape(unescape(element.text or "")) + "".join(
        _write(child) + escape(unescape(child.tail or "")) for child in element
    )
    if element.tag not in _ELEMENTS:
        return f"<mrow>{inside}</mrow>"
    kept = [
        f' {name}="{escape(value)}"'
        for name, value in element.attrib.items()
        if name in _ATTRIBUTES and _PLAIN_VALUE.fullmatch(value)
    ]
    spoken = f' alttext="{escape(alttext)}"' if alttext else ""
    return f"<{element.tag}{''.join(kept)}{spoken}>{inside}</{element.tag}>"


def _read_inline(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] not in "$\\":
        return False
    for pattern, shown in _INLINE:
        found = pattern.match(state.src, state.pos, state.pos + LONGEST_FORMULA + 4)
        if found and found[1].strip():
            if not silent:
                _push(state, "math", found[1], found[0], shown)
            state.pos = found.end()
            return True
    return False


def _push(state: StateInline | StateBlock, name: str, latex: str, typed: str, shown: str) -> Any:
    token = state.push(name, "", 0)
    token.content, token.markup, token.info = latex, typed, shown
    return token


def _read_block(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """A formula on lines of its own; inside it no other markdown is read."""
    closing = _FENCES.get(_line(state, first)[:2])
    if closing is None or state.is_code_block(first):
        return False
    for last in range(first, min(end, first + 40)):
        line = _line(state, last)
        if line.endswith(closing) and (last > first or len(line) > 4):
            return silent or _take_block(state, first, last)
        if not line:
            return False
    return False


def _take_block(state: StateBlock, first: int, last: int) -> bool:
    typed = "\n".join(_line(state, number) for number in range(first, last + 1))
    if typed.count("$$") > 2:
        return False
    state.line = last + 1
    _push(state, "math_block", typed[2:-2], typed, "block").map = [first, last + 1]
    return True


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]].strip()
