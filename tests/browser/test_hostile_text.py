"""Hostile text everywhere people read it: nothing runs, nothing is fetched from elsewhere, the policy is never hit."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from annotation.models import Criterion, Project, Prompt, Response, User
from annotation.services.judgments import submit_judgment
from annotation.services.slots import Lease, acquire_task
from tests.annotation.web.hostile import HOSTILE_TEXTS
from tests.factories import make_task, ranking

pytestmark = pytest.mark.django_db(transaction=True)

HOSTILE = "\n\n".join(text.replace("\x00", "") for text in HOSTILE_TEXTS.values())
NAME = '"><img src=x onerror=alert(1)><script>alert(1)</script>'


INSIDE_TEXTS = ".read script, .read img, .read iframe, .read form, .read svg, .read style"


@pytest.fixture
def poisoned(transactional_db: None, campaign: Project, bob: User) -> Project:
    Project.objects.filter(pk=campaign.pk).update(name=NAME, guideline=HOSTILE)
    Criterion.objects.create(
        project=campaign, name="tone", label=NAME[:120], description=HOSTILE, required=False, anchors={"1": NAME}
    )
    for _ in range(2):
        task = make_task(campaign, "pq", text=HOSTILE)
        Response.objects.filter(prompt=task.prompt).update(text=HOSTILE, source=NAME)
        Prompt.objects.filter(pk=task.prompt_id).update(messages=[{"role": "user", "content": HOSTILE}])
    lease = acquire_task(project=campaign, annotator=bob)
    assert isinstance(lease, Lease)
    answer = ranking("p", "q", rationale=HOSTILE, scores={"tone": {"p": 1}}, rationales={"tone": HOSTILE})
    submit_judgment(
        annotator=bob, task_id=lease.task.pk, lease_token=lease.token, answer=answer, idempotency_key="poison"
    )
    return campaign


def test_nothing_runs_on_any_page(
    poisoned: Project, alice: User, enter: Callable[[User, str], Page], live_server: Any, page: Page
) -> None:
    strangers: list[str] = []
    page.on("request", lambda request: request.url.startswith(live_server.url) or strangers.append(request.url))
    task = poisoned.tasks.order_by("id").first()
    assert task is not None
    User.objects.filter(pk=alice.pk).update(first_name=NAME[:150])
    for place in ("judge/", "", "tasks/", f"tasks/{task.pk}/", "people/", "settings/"):
        enter(alice, f"/projects/{poisoned.slug}/{place}")
        if place == "judge/":
            page.wait_for_selector("#work:not([hidden])")
            expect(page.locator(".card .read").first).to_contain_text("window.harmed = 1")
        page.wait_for_timeout(200)
        assert page.evaluate("window.harmed") is None, place
        assert page.evaluate("getComputedStyle(document.body).display") != "none", place
        assert page.locator(INSIDE_TEXTS).count() == 0, place
    assert strangers == []


def test_hostile_button_does_not_submit(poisoned: Project, bob: User, enter: Callable[[User, str], Page]) -> None:
    page = enter(bob, f"/projects/{poisoned.slug}/judge/")
    page.wait_for_selector("#work:not([hidden])")
    assert page.locator(".read [data-action], .read [hx-get], .read [data-hx-post]").count() == 0


def test_nothing_runs_in_the_tools_of_the_screen(
    poisoned: Project, bob: User, enter: Callable[[User, str], Page]
) -> None:
    """Compared, marked word by word, quoted and typed: still nothing but text."""
    page = enter(bob, f"/projects/{poisoned.slug}/judge/")
    page.wait_for_selector("#work:not([hidden])")
    page.locator("#rationale").fill(HOSTILE)
    page.locator("#card-A .read p").first.evaluate("node => getSelection().selectAllChildren(node)")
    page.locator("#quote").click()
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+D")
    for words in (True, False):
        page.locator("#compare-words").set_checked(words)
        expect(page.locator(".pane .read").first).to_contain_text("window.harmed = 1")
        assert page.locator(".pane :is(script, img, iframe, form, svg, style)").count() == 0
    page.keyboard.press("Escape")
    page.wait_for_timeout(200)
    assert page.evaluate("window.harmed") is None
    judgment = bob.judgments.get()
    enter(bob, f"/judgments/{judgment.pk}/history/")
    expect(page.locator("main")).to_contain_text("window.harmed = 1")
    enter(bob, f"/judgments/{judgment.pk}/edit/")
    page.wait_for_selector("#work:not([hidden])")
    assert page.evaluate("window.harmed") is None
