"""Cut networks, closed tabs, other windows, other people at the same browser: the work is kept, and people are told."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from annotation.models import Draft, Judgment, Project, Slot, User
from annotation.services.slots import release_expired_leases
from tests.factories import make_task

Judge = Callable[[User], Page]

pytestmark = pytest.mark.django_db(transaction=True)

# Requests are taken over before the page is opened: in an open page the browser may send one more past the handler.


@pytest.fixture(autouse=True)
def _tasks(transactional_db: None, campaign: Project) -> None:
    make_task(campaign, "pqrs", text="Why does dough collapse?", priority=2)
    make_task(campaign, "pqrs", text="Why is the sky blue?", priority=1)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def forgive(alarms: list[str], *words: str) -> None:
    """Takes out what the browser itself says about requests that were meant to fail."""
    alarms[:] = [alarm for alarm in alarms if not any(word in alarm for word in words)]


def test_a_minute_without_network_in_mid_task(judge: Judge, bob: User, page: Page, alarms: list[str]) -> None:
    page.clock.install()
    judge(bob)
    press(page, "2", "1")
    page.clock.run_for(2_000)
    expect(page.locator("#draft-state")).to_contain_text("draft saved")
    page.context.set_offline(True)
    press(page, "3")
    page.locator("#rationale").fill("B names the cause")
    page.clock.run_for(60_000)
    expect(page.locator("#draft-state")).to_have_text("kept in this browser")
    assert Draft.objects.get().answer["unranked"] != []
    page.context.set_offline(False)
    page.clock.run_for(10_000)
    expect(page.locator("#draft-state")).to_contain_text("draft saved")
    assert Draft.objects.get().answer["rationale"] == "B names the cause"
    page.locator("#card-A").focus()
    press(page, "d", "3", "Enter")
    expect(page.locator("#toasts")).to_contain_text("Saved.")
    assert Judgment.objects.get().rationale == "B names the cause"
    forgive(alarms, "ERR_INTERNET_DISCONNECTED")


def test_answer_of_a_closed_tab_is_sent_when_the_page_is_open_again(
    judge: Judge, bob: User, page: Page, alarms: list[str], live_server: Any
) -> None:
    page.route("**/judgments", lambda route: route.abort())
    judge(bob)
    press(page, "1", "2", "3", "4", "Enter")
    expect(page.locator("#banner")).to_contain_text("Your answer is safe")
    other = page.context.new_page()
    page.close()
    other.goto(f"{live_server.url}/projects/campaign/judge/")
    expect(other.locator("#toasts")).to_contain_text("has been sent")
    expect(other.locator("#prompt")).to_contain_text("sky blue")
    assert Judgment.objects.count() == 1
    assert other.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('concord.'))") == []
    other.close()
    forgive(alarms, "ERR_FAILED", "dialog")


def test_lost_acknowledgement_counts_once(judge: Judge, bob: User, page: Page, alarms: list[str]) -> None:
    losses = []

    def lose_the_first(route: Any) -> None:
        answer = route.fetch()
        losses.append(answer.status)
        if len(losses) == 1:
            route.abort()
        else:
            route.fulfill(response=answer)

    page.route("**/judgments", lose_the_first)
    judge(bob)
    press(page, "1", "2", "3", "4", "Enter")
    expect(page.locator("#toasts")).to_contain_text("Saved.")
    assert losses == [201, 200]
    assert Judgment.objects.count() == 1
    forgive(alarms, "ERR_FAILED")


def test_newer_draft_of_another_window_is_not_overwritten(
    judge: Judge, bob: User, page: Page, alarms: list[str]
) -> None:
    judge(bob)
    press(page, "1")
    expect(page.locator("#draft-state")).to_contain_text("draft saved")
    draft = Draft.objects.get()
    Draft.objects.update(version=draft.version + 1, answer={**draft.answer, "rationale": "from the other window"})
    press(page, "2")
    expect(page.locator("#banner")).to_contain_text("what you did there is newer")
    page.get_by_role("button", name="Keep this one").click()
    expect(page.locator("#draft-state")).to_contain_text("draft saved")
    assert Draft.objects.get().answer.get("rationale") == ""
    forgive(alarms, "409")


def test_task_submitted_in_another_tab_is_said_so(judge: Judge, bob: User, page: Page, alarms: list[str]) -> None:
    judge(bob)
    second = page.context.new_page()
    second.goto(page.url)
    press(second, "1", "2", "3", "4", "Enter")
    expect(second.locator("#toasts")).to_contain_text("Saved.")
    second.close()
    press(page, "4", "3", "2", "1", "Enter")
    expect(page.locator("#banner")).to_contain_text("already submitted this task, in another tab")
    page.get_by_role("button", name="Next task").click()
    expect(page.locator("#prompt")).to_contain_text("sky blue")
    assert Judgment.objects.count() == 1
    forgive(alarms, "409")


def test_expired_lease_with_nobody_else_there_is_still_good(judge: Judge, bob: User, page: Page) -> None:
    judge(bob)
    Slot.objects.filter(annotator=bob).update(lease_expires_at="2020-01-01T00:00Z")
    assert release_expired_leases() == 1
    press(page, "1", "2", "3", "4", "Enter")
    expect(page.locator("#toasts")).to_contain_text("Saved.")
    assert Judgment.objects.get().annotator == bob


def test_unsent_answer_of_one_person_is_not_shown_to_another(
    judge: Judge, bob: User, carol: User, page: Page, alarms: list[str]
) -> None:
    page.route("**/draft", lambda route: route.abort())
    judge(bob)
    press(page, "1", "2")
    page.context.clear_cookies()
    judge(carol)
    expect(page.locator("#card-A .rank")).to_have_text("not ranked")
    assert page.locator("#lanes .lane.full").count() == 0
    forgive(alarms, "ERR_FAILED")


def test_answer_kept_here_follows_the_texts_into_another_order(
    judge: Judge, bob: User, page: Page, alarms: list[str]
) -> None:
    """After a lost lease the same task may come in another slot, whose letters stand for other responses."""
    page.route("**/draft", lambda route: route.abort())
    judge(bob)
    press(page, "1", "2", "3")
    best = page.locator("#card-A .read").inner_text()
    slot = Slot.objects.get(annotator=bob)
    Slot.objects.filter(pk=slot.pk).update(
        state="free", annotator=None, lease_token=None, lease_expires_at=None, leased_at=None, heartbeat_at=None
    )
    other = Slot.objects.get(task=slot.task, number=2)
    Slot.objects.filter(task=slot.task).exclude(pk=other.pk).update(state="released")
    page.reload()
    page.wait_for_selector("#work:not([hidden])")
    moved = page.locator(".card", has_text=best)
    expect(moved.locator(".rank")).to_have_text("1st")
    assert moved.get_attribute("data-letter") != "A"
    forgive(alarms, "ERR_FAILED")
