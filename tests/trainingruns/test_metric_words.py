"""The words of docs/metrics.md as the pages show them."""

from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotation.models import Membership, Project, User
from trainingruns.metric_words import metric_chapters, read_chapters
from trainingruns.models import Metric, Run
from trainingruns.selectors.curves import CURVES, explain

DOCUMENT = """# Metrics

## Policy runs

What is **meant**.

| name | what it says |
|---|---|
| `reward`, `reward_std` | mean and spread |
| `reward_<part>`, `reward_<part>_std` | each part, `model` for one |

| brake | acts when |
|---|---|
| `entropy` | it falls |

## Reward runs

| name | what it says |
|---|---|
| `loss` | nats |
"""


def test_a_row_is_found_by_each_of_its_names_and_the_first_that_fits_wins() -> None:
    policy, reward = read_chapters(DOCUMENT)
    assert (policy.title, policy.anchor, reward.title) == ("Policy runs", "policy-runs", "Reward runs")
    entry = policy.entry("reward_std")
    assert entry is not None and entry.text == "mean and spread" and entry.anchor == "policy-runs.reward"
    part = policy.entry("reward_model_std")
    assert part is not None and part.anchor == "policy-runs.reward_any"
    assert policy.entry("loss") is None


def test_a_brake_explains_no_metric_of_its_name() -> None:
    assert read_chapters(DOCUMENT)[0].entry("entropy") is None


def test_no_two_rows_share_an_anchor() -> None:
    anchors = [entry.anchor for chapter in metric_chapters() for block in chapter.blocks for entry in block.entries]
    assert len(anchors) > 40
    assert len(anchors) == len(set(anchors))


@pytest.mark.parametrize("kind", sorted(CURVES))
def test_every_curve_of_a_page_is_explained(kind: str) -> None:
    assert [spec.label for spec in CURVES[kind] if explain(kind, spec) is None] == []
    assert kind in Run.Kind.values


class Page(HTMLParser):
    """What a page links to, the text under each of its ids, and its second headings."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.texts: dict[str, str] = {}
        self.headings: list[str] = []
        self._open: list[tuple[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "a":
            self.links.append(named.get("href") or "")
        if tag == "h2":
            self.headings.append("")
        if tag in ("tr", "section"):
            self._open.append((tag, named.get("id")))
            if name := named.get("id"):
                assert name not in self.texts, f"two elements have the id {name}"
                self.texts[name] = ""

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1][0] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        for _, name in self._open:
            if name:
                self.texts[name] += data
        if self.lasttag == "h2" and self.headings and not self.headings[-1]:
            self.headings[-1] = data


@pytest.fixture
def reader(project: Project) -> Client:
    user = User.objects.create(username="reader")
    Membership.objects.create(project=project, user=user, role="reviewer")
    client = Client()
    client.force_login(user)
    return client


def test_the_page_shows_every_chapter_and_every_row(reader: Client) -> None:
    page = Page(reader.get(reverse("metric_words")).content.decode())
    chapters = metric_chapters()
    assert [chapter.title for chapter in chapters] == page.headings
    assert len(chapters) >= 3
    for chapter in chapters:
        assert f"#{chapter.anchor}" in page.links
        assert page.texts[chapter.anchor].startswith(chapter.title)
        for entry in (entry for block in chapter.blocks for entry in block.entries):
            assert all(name in page.texts[entry.anchor] for name in entry.names), entry.anchor
            assert len(page.texts[entry.anchor]) > len("".join(entry.names)) + 5, "names without an explanation"


@pytest.mark.parametrize("kind", sorted(CURVES))
def test_every_curve_on_a_runs_page_leads_to_the_row_of_its_metric(
    kind: str, make_run: Callable[..., Run], reader: Client
) -> None:
    run = make_run(kind=kind, state="succeeded", step=1)
    values = {name: 0.5 for spec in CURVES[kind] for name in spec.names}
    Metric.objects.create(run=run, step=1, at=timezone.now(), values=values)
    address = reverse("metric_words")
    words = Page(reader.get(address).content.decode())
    page = Page(reader.get(reverse("run", kwargs={"run_id": run.pk})).content.decode())
    anchors = [link.removeprefix(f"{address}#") for link in page.links if link.startswith(f"{address}#")]
    assert len(anchors) == len(CURVES[kind]) > 0
    for anchor, spec in zip(anchors, CURVES[kind], strict=True):
        assert spec.names[0] in words.texts[anchor].split(), f"{spec.label} leads to {anchor}"
