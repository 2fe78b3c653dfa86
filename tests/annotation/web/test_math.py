"""Formulas: read where they are meant, shown as MathML, harmless whatever they say."""

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.web.markdown import render_markdown
from annotation.web.math import LONGEST_FORMULA, MOST_FORMULAS, render_formula


@pytest.mark.parametrize("text", ["$x^2$", r"\(x^2\)", "so $x^2$.", "- $x^2$", "**$x^2$**"])
def test_inline_formulas(text: str) -> None:
    html = render_markdown(text)
    assert '<math display="inline" alttext="x^2"><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math>' in html


@pytest.mark.parametrize("text", ["$$x$$", r"\[x\]", "$$\nx\n$$", "a\n\\[\nx\n\\]\nb", "> $$\n> x\n> $$", "a $$x$$ b"])
def test_formulas_on_their_own(text: str) -> None:
    html = render_markdown(text)
    assert '<math display="block" alttext="x">' in html
    assert "$" not in html


def test_markdown_inside_a_formula_is_left_alone() -> None:
    html = render_markdown("$$\na\n- b\n= c_1 * d * e\n$$")
    assert "<ul>" not in html
    assert "<em>" not in html
    assert "<mi>b</mi>" in html


@pytest.mark.parametrize("text", ["It costs $5 or $6.", r"\$x\$", "`$x$`", "a $ b $", "$ x$", "    $$x$$", "$$", r"\("])
def test_what_is_no_formula_stays(text: str) -> None:
    assert "<math" not in render_markdown(text)


@pytest.mark.parametrize("latex", [r"\frac{", r"\begin{pmatrix}", "{" * 500, "x^", r"\left("])
def test_unreadable_formula_is_shown_as_typed(latex: str) -> None:
    html = render_markdown(f"${latex}$")
    assert "<math" not in html or "merror" not in html
    assert latex[:5] in html.replace("&#x27;", "'")


KNOWN = {
    "accent", "alttext", "columnalign", "columnspacing", "display", "displaystyle", "fence", "form", "linethickness",
    "lspace", "mathvariant", "maxsize", "minsize", "movablelimits", "rowspacing", "rspace", "separator", "stretchy",
    "width",
}  # fmt: skip


def inventory(html: str) -> tuple[set[str], set[str]]:
    """The tags and attributes that a browser would see."""
    tags, attributes = set(), set()

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.add(tag)
            attributes.update(name for name, _ in attrs)

    Reader().feed(html)
    return tags, attributes


HOSTILE = [
    r"\text{<script>window.harmed = 1</script>}",
    r"\href{javascript:window.harmed=1}{x}",
    r"\class{x\" onload=\"window.harmed=1}{y}",
    r"\color{red;background:url(//evil.example)}{x}",
    r"\style{position:fixed}{x}",
    r"\mathrm{</math><img src=x onerror=alert(1)>}",
    "x\ue0000\ue001",
]


@pytest.mark.parametrize("latex", HOSTILE)
def test_hostile_formula_is_text(latex: str) -> None:
    html = render_markdown(f"${latex}$ and $$ {latex} $$")
    tags, attributes = inventory(html)
    assert tags <= {"p", "span", "code"} | {tag for tag in tags if tag.startswith("m")}
    assert attributes <= KNOWN | {"class", "tabindex"}


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="\\{}$^_&<>\"'()[]abxfrctel0 \n", max_size=60))
def test_any_formula_gives_known_elements_only(latex: str) -> None:
    tags, attributes = inventory(render_formula(latex, display="inline") or "")
    assert all(tag.startswith("m") for tag in tags)
    assert attributes <= KNOWN


def test_long_formulas_and_too_many_stay_as_typed() -> None:
    assert render_formula("x" * (LONGEST_FORMULA + 1), display="inline") is None
    assert render_markdown("$x$ " * (MOST_FORMULAS + 5)).count("<math") == MOST_FORMULAS
