"""Filters that the pages share: plain numbers for attributes, spans of time, markdown."""

from django import template
from django.utils.safestring import SafeString

from annotation.web.markdown import render_markdown

register = template.Library()


@register.filter
def unlocalize(value: float) -> str:
    """A number as markup wants it, whatever the reader's language."""
    return f"{value:g}"


@register.filter
def duration(milliseconds: float | None) -> str:
    """Milliseconds as people say them: "48 s", "1 m 02 s"; a dash where nothing was measured."""
    if milliseconds is None:
        return "–"
    seconds = round(milliseconds / 1000)
    if seconds < 60:
        return f"{seconds} s"
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} m {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} m"


@register.filter
def markdown(text: str) -> SafeString:
    """Sanitised HTML of a markdown text."""
    return render_markdown(text)
