"""Filters that the pages share: plain numbers for attributes, spans of time, headings, markdown."""

import re

from django import template
from django.forms import BaseForm
from django.utils.safestring import SafeString

from annotation.web.markdown import render_markdown

register = template.Library()
_LATER_CAPITAL = re.compile(r"(?<=[\s-])[A-Z](?=[a-z])")
"""Of a word that follows another; abbreviations stay as they are."""


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


@register.filter(is_safe=True)
def sentence_case(text: str) -> str:
    """An English heading of another package in our style: "Change password" for "Change Password"."""
    return _LATER_CAPITAL.sub(lambda found: found[0].lower(), str(text).strip())


@register.filter
def sentence_labels(form: BaseForm) -> BaseForm:
    """The form with labels and placeholders in sentence case; a placeholder that only repeats its label goes."""
    for field in form.fields.values():
        field.label = None if field.label is None else sentence_case(str(field.label))
        hint = sentence_case(field.widget.attrs.pop("placeholder", ""))
        if hint and hint != field.label:
            field.widget.attrs["placeholder"] = hint
    return form
