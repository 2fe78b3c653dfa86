"""Pages that allauth brings are written as ours are: one capital a heading."""

import re

import pytest
from django.template import Context, Origin, Template
from django.test import Client

from annotation.models import User
from tests.browser.places import PLACES, SIGNED_OUT

ACCOUNT_PLACES = [(name, path) for name, paths in PLACES.items() for path in paths if path.startswith("/accounts/")]
SHORT_TEXTS = re.compile(r"<(title|h1|h2|button|label)\b[^>]*>(.*?)</\1>", re.DOTALL)
PLACEHOLDERS = re.compile(r'placeholder="(.*?)"')


@pytest.mark.parametrize(("name", "path"), ACCOUNT_PLACES)
def test_headings_buttons_and_labels_have_one_capital(name: str, path: str, client: Client, alice: User) -> None:
    if name not in SIGNED_OUT:
        client.force_login(alice)
    page = client.get(path, follow=True).content.decode()
    # Up to the first tag: behind an address stands a badge.
    texts = [text.partition("<")[0].partition(" · Concord")[0].split() for _, text in SHORT_TEXTS.findall(page)]
    texts += [text.split() for text in PLACEHOLDERS.findall(page)]
    assert any(len(words) > 1 for words in texts)
    assert [words for words in texts if any(re.search("(?:^|-)[A-Z][a-z]", word) for word in words[1:])] == []


def render(source: str) -> str:
    origin = Origin("page.html", template_name="page.html")
    return Template("{% load allauth %}" + source, origin).render(Context({"codes": ["12", "34"]}))


def test_a_field_has_label_and_help_and_adds_nothing_to_its_value() -> None:
    value = "{% slot value %}{% for code in codes %}{{ code }}.{% endfor %}{% endslot %}"
    html = render(
        '{% element field id="x" type="textarea" rows=2 readonly=True %}{% slot label %}Codes{% endslot %}'
        f"{value}{{% slot help_text %}}Keep them.{{% endslot %}}{{% endelement %}}"
    )
    assert '<label for="x">Codes</label>' in html
    assert '<textarea rows="2" id="x" readonly>12.34.</textarea>' in html
    assert '<span class="help">Keep them.</span>' in html


@pytest.mark.parametrize(
    ("said", "classes"),
    [
        ('type="submit"', "btn primary"),
        ('type="submit" tags="secondary"', "btn"),
        ('type="submit" tags="danger,delete"', "btn danger"),
        ('href="/x/" tags="panel"', "btn"),
    ],
)
def test_what_a_form_is_for_is_its_primary_button(said: str, classes: str) -> None:
    assert f'class="{classes}"' in render(f"{{% element button {said} %}}Go On{{% endelement %}}")


def test_a_radio_button_stands_before_its_label() -> None:
    element = '{% element field type="radio" id="x" name="n" value="v" checked=True %}'
    html = render(element + "{% slot label %}L{% endslot %}{% endelement %}")
    assert html.index('<input type="radio" id="x" name="n" value="v" checked>') < html.index('<label for="x">L</label>')
