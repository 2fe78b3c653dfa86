"""Markdown of strangers: what comes out holds only what we let through."""

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.web.markdown import LONGEST_CHARACTERS, render_markdown
from tests.annotation.web.hostile import HOSTILE_TEXTS

HARMLESS_ATTRIBUTES = {"href", "title", "rel", "target", "class", "tabindex", "start"}
FORBIDDEN_TAGS = {"script", "style", "img", "svg", "iframe", "form", "input", "button", "base", "meta", "math"}


class Reader(HTMLParser):
    """Every tag and attribute of a text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def assert_harmless(html: str) -> None:
    reader = Reader(html)
    assert not FORBIDDEN_TAGS & set(reader.tags)
    assert {name for name, _ in reader.attributes} <= HARMLESS_ATTRIBUTES
    for name, value in reader.attributes:
        if name == "href":
            assert (value or "").lower().startswith(("https://", "http://", "mailto:"))


@pytest.mark.parametrize("name", HOSTILE_TEXTS)
def test_hostile_text_becomes_harmless(name: str) -> None:
    assert_harmless(render_markdown(HOSTILE_TEXTS[name]))


@given(st.text(alphabet="<>\"'&[]()!`|-#*_~\\/:; \n\tabjscriptonerror=hx{}%", max_size=80))
@settings(max_examples=150, deadline=None)
def test_any_text_becomes_harmless(text: str) -> None:
    assert_harmless(render_markdown(text))


def test_html_is_shown_not_dropped() -> None:
    assert "&lt;b&gt;bold&lt;/b&gt;" in render_markdown("<b>bold</b>")


def test_links_open_outside_without_credit_or_access() -> None:
    html = render_markdown("[there](https://example.org)")
    assert 'href="https://example.org"' in html
    assert 'target="_blank"' in html
    assert 'rel="noopener noreferrer nofollow"' in html


def test_image_is_a_link_that_loads_nothing() -> None:
    html = render_markdown("![a cat](https://example.org/cat.png)")
    assert "<img" not in html
    assert "[image: a cat]" in html


def test_headings_stand_below_those_of_the_page() -> None:
    assert render_markdown("# One").startswith("<h3>One</h3>")
    assert render_markdown("##### Five").startswith("<h6>")


def test_code_is_highlighted_and_scrolls_by_keyboard() -> None:
    html = render_markdown("```python\nreturn 'x'\n```")
    assert '<pre class="hl" tabindex="0">' in html
    assert '<span class="k">return</span>' in html


def test_unknown_language_stays_plain() -> None:
    assert "<code>x &lt; y\n</code>" in render_markdown("```klingon\nx < y\n```")


def test_table_and_strikethrough_are_rendered() -> None:
    assert "<td>1</td>" in render_markdown("|a|\n|-|\n|1|")
    assert "<s>old</s>" in render_markdown("~~old~~")


def test_text_too_long_to_parse_is_shown_as_it_is() -> None:
    html = render_markdown("<b>" + "x" * LONGEST_CHARACTERS)
    assert html.startswith('<pre class="long" tabindex="0">&lt;b&gt;xxx')


def test_same_text_is_rendered_once() -> None:
    assert render_markdown("**the same**") is render_markdown("**the same**")


def test_empty_text_is_empty() -> None:
    assert render_markdown("") == ""
