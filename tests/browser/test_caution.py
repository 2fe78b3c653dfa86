"""A calm word about haste and habit: before the answer goes out, never in its way, and by the server's own rules."""

import pytest
from playwright.sync_api import Page, expect

from annotation.models import Judgment, Project, Response, User
from annotation.services.judgments import submit_judgment
from annotation.services.slots import Lease, acquire_task
from tests.browser.test_ranking_screen import Judge, press
from tests.factories import make_task, ranking

pytestmark = pytest.mark.django_db(transaction=True)

LONG = "A text of some length that takes a while to read. " * 400


@pytest.fixture(autouse=True)
def _tasks(transactional_db: None, campaign: Project) -> None:
    Project.objects.filter(pk=campaign.pk).update(gold_rate=0, repeat_rate=0)
    for number in range(8):
        make_task(campaign, "pqrs", text=f"Question {number}", priority=-number)


def rank_before(project: Project, annotator: User, order: str, times: int) -> None:
    """Judgments in which the responses shown as A, B, C and D got these ranks."""
    for _ in range(times):
        lease = acquire_task(project=project, annotator=annotator)
        assert isinstance(lease, Lease)
        tiers = [key for _, key in sorted(zip(order, lease.shown_order, strict=True))]
        submit_judgment(
            annotator=annotator, task_id=lease.task.pk, lease_token=lease.token, idempotency_key=str(lease.token),
            answer=ranking(*tiers, active_ms=60_000),
        )  # fmt: skip


def test_haste_is_said_before_and_after_and_stops_nobody(judge: Judge, bob: User, campaign: Project) -> None:
    Response.objects.update(text=LONG)
    page = judge(bob)
    caution = page.locator("#caution")
    expect(caution).to_be_hidden()
    press(page, "1", "2", "3")
    expect(caution).to_be_hidden()
    press(page, "4")
    expect(caution).to_contain_text("quicker than these texts can be read")
    expect(page.locator("#announcer")).to_contain_text("quicker than these texts can be read")
    press(page, "Enter")
    expect(page.locator("#toasts")).to_contain_text("Saved. That was quicker than these texts can be read.")
    assert Judgment.objects.get().warnings == ["too_fast"]


def test_the_word_about_haste_goes_once_there_was_time_to_read(judge: Judge, bob: User, page: Page) -> None:
    Response.objects.update(text=LONG[:2500])  # 10,000 characters: 100 seconds, however slow the machine
    page.clock.install()
    # The heartbeats of these seconds would still be under way when the answer is sent, and find the lease gone.
    page.route("**/heartbeat", lambda route: route.fulfill(json={"expires_at": "2100-01-01T00:00:00Z"}))
    judge(bob)
    press(page, "1", "2", "3", "4")
    expect(page.locator("#caution")).to_be_visible()
    for place in range(6):
        page.mouse.move(300 + place, 300)
        page.clock.run_for(20_000)
    expect(page.locator("#caution")).to_be_hidden()
    expect(page.locator("#draft-state")).to_contain_text("draft saved")
    press(page, "Enter")
    expect(page.locator("#toasts")).to_contain_text("Saved.")
    expect(page.locator("#toasts")).not_to_contain_text("quicker")
    assert Judgment.objects.get().warnings == []


@pytest.mark.parametrize(
    ("usual", "times", "other", "code", "words"),
    [("1234", 4, "2134", "as_shown", "The order shown"), ("3142", 5, "1342", "same_place", "same place")],
)
def test_the_same_order_again_is_said(
    usual: str, times: int, other: str, code: str, words: str, judge: Judge, bob: User, campaign: Project
) -> None:
    rank_before(campaign, bob, usual, times)
    page = judge(bob)
    caution = page.locator("#caution")
    page.wait_for_timeout(450)  # longer than the short texts take to read
    press(page, *usual)
    expect(caution).to_contain_text(words)
    press(page, *(key for letter, place in zip("abcd", other, strict=True) for key in (letter, place)))
    expect(caution).to_be_hidden()
    press(page, *(key for letter, place in zip("abcd", usual, strict=True) for key in (letter, place)))
    expect(caution).to_contain_text(words)
    press(page, "Enter")
    expect(page.locator("#toasts")).to_contain_text("once more in a row")
    assert list(Judgment.objects.order_by("id").values_list("warnings", flat=True)) == [[]] * times + [[code]]
    page.wait_for_timeout(450)
    press(page, *usual)
    expect(caution).to_contain_text(words)
