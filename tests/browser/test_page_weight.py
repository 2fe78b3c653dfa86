"""The judging screens are light, and their first task is there with the first round of requests."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from annotation.models import Criterion, Project, Slot, User
from annotation.web.script_modules import modules_of
from tests.browser.page_weight import Weight, watch_weight
from tests.factories import make_task

pytestmark = pytest.mark.django_db(transaction=True)

MOST_BYTES = 150_000
LONG = " ".join(f"word{number % 97}" for number in range(300))


@pytest.fixture
def load(transactional_db: None, campaign: Project, bob: User, page: Page, enter: Callable[[User, str], Page]) -> Any:
    """Opens the judging screen of a kind and gives what it weighed."""

    def load_kind(kind: str, keys: str) -> Weight:
        Project.objects.filter(pk=campaign.pk).update(kind=kind)
        campaign.refresh_from_db()
        Criterion.objects.create(project=campaign, name="tone", label="Tone", required=kind == "scalar")
        make_task(campaign, keys, text=LONG)
        weight = watch_weight(page)
        enter(bob, f"/projects/{campaign.slug}/judge/")
        expect(page.locator(".card").first).to_be_visible()
        return weight

    return load_kind


@pytest.mark.parametrize(("kind", "keys", "entry"), [("ranking", "pqrs", "js/rank.js"), ("scalar", "p", "js/score.js")])
def test_first_task_comes_in_one_light_round(load: Any, page: Page, kind: str, keys: str, entry: str) -> None:
    weight = load(kind, keys)
    # The task was there before any call of the API, and no script was found only by reading another one.
    assert not [path for path in weight.paths if path.startswith("api/")]
    html = page.request.get(page.url).text()
    named = {path for path in weight.paths if path.startswith("static/") and path in html}
    assert named == {path for path in weight.paths if path.startswith("static/")}
    assert {f"static/{module}" for module in modules_of(entry)} <= named
    page.wait_for_load_state("networkidle")
    assert weight.total_compressed < MOST_BYTES


def test_a_browser_that_looks_ahead_leases_nothing(load: Any, campaign: Project, page: Page) -> None:
    Slot.objects.update(state="free")
    load("ranking", "pqrs")
    Slot.objects.update(state="free", annotator=None, lease_token=None, lease_expires_at=None)
    answer = page.request.get(page.url, headers={"Sec-Purpose": "prefetch;prerender"})
    assert answer.ok
    assert "first-work" not in answer.text()
    assert not Slot.objects.exclude(state="free").exists()
