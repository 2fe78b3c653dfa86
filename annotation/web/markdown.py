"""Markdown of strangers as HTML that cannot harm the reader.

Responses, prompts and guidelines are hostile text. Two walls: the parser passes no HTML through, and what it makes is
cleaned by an allow-list. Images are never loaded; they show as a link.
"""

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from annotation.web.math import add_math

LONGEST_CHARACTERS = 200_000
"""Longer text is shown as it is: no person reads it, and parsing it would hold up everybody else."""
REMEMBERED = 2_000
_SAFE_ADDRESS = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_TAGS = {
    "a", "blockquote", "br", "code", "del", "div", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s",
    "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "title"},
    "code": {"class"},
    "div": {"class", "tabindex"},
    "ol": {"start"},
    "pre": {"class", "tabindex"},
    "span": {"class", "tabindex"},
    "td": {"class"},
    "th": {"class"},
}
_HELD = re.compile("\ue000(\\d+)\ue001")
"""Stands for HTML that is safe as it is and that the allow-list would not know: formulas."""
_MARKS = str.maketrans({"\x00": "\ufffd", "\ue000": "\ufffd", "\ue001": "\ufffd"})
_remembered: OrderedDict[str, SafeString] = OrderedDict()
_lock = threading.Lock()


def render_markdown(text: str) -> SafeString:
    """Sanitised HTML of a markdown text; the same text is rendered once a process."""
    key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    with _lock:
        if key in _remembered:
            _remembered.move_to_end(key)
            return _remembered[key]
    html = _render(text)
    with _lock:
        _remembered[key] = html
        while len(_remembered) > REMEMBERED:
            _remembered.popitem(last=False)
    return html


def _render(text: str) -> SafeString:
    if len(text) > LONGEST_CHARACTERS:
        html = f'<pre class="long" tabindex="0">{escape(text)}</pre>'
    else:
        held: dict[str, Any] = {"held": []}
        html = _clean(_PARSER.render(text.translate(_MARKS), held))
        html = _HELD.sub(lambda found: held["held"][int(found[1])], html)
    return mark_safe(html)  # noqa: S308 - escaped, or let through by the allow-list


def _hold(env: dict[str, Any], html: str) -> str:
    env["held"].append(html)
    return f"\ue000{len(env['held']) - 1}\ue001"


def _clean(html: str) -> str:
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_keep_attribute,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


def _keep_attribute(_tag: str, name: str, value: str) -> str | None:
    # A relative address would point into this site, where a click carries the reader's session.
    if name == "href" and not _SAFE_ADDRESS.match(value.strip()):
        return None
    return value


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    parser.enable(["table", "strikethrough"])
    add_math(parser, _hold)
    parser.add_render_rule("heading_open", _render_heading)
    parser.add_render_rule("heading_close", _render_heading)
    parser.add_render_rule("image", _render_image)
    parser.add_render_rule("table_open", _render_table_open)
    parser.add_render_rule("table_close", _render_table_close)
    parser.add_render_rule("fence", _render_code)
    parser.add_render_rule("code_block", _render_code)
    return parser


def _render_heading(
    self: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: dict[str, Any]
) -> str:
    """Headings of a text stand below the page's own h1 and h2."""
    level = min(int(tokens[index].tag[1]) + 2, 6)
    return f"<h{level}>" if tokens[index].nesting == 1 else f"</h{level}>\n"


def _render_image(
    self: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: dict[str, Any]
) -> str:
    """A link in place of the picture: loading it would tell its server who reads when."""
    token = tokens[index]
    label = escape(token.content or "no description")
    return f'<a href="{escape(str(token.attrs.get("src", "")))}">[image: {label}]</a>'


def _render_table_open(
    self: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: dict[str, Any]
) -> str:
    return '<div class="scroll" tabindex="0"><table>\n'


def _render_table_close(
    self: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: dict[str, Any]
) -> str:
    return "</table></div>\n"


def _render_code(
    self: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: dict[str, Any]
) -> str:
    """Code in a box that the keyboard can scroll."""
    token = tokens[index]
    language = token.info.strip().split(maxsplit=1)[0] if token.info.strip() else ""
    return f'<pre class="hl" tabindex="0"><code>{_highlight(token.content, language)}</code></pre>\n'


def _highlight(code: str, language: str) -> str:
    """Code as spans with Pygments' short class names; unknown languages stay plain."""
    if not language or len(code) > 20_000:
        return escape(code)
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return escape(code)
    return highlight(code, lexer, HtmlFormatter(nowrap=True))


_PARSER = _parser()
