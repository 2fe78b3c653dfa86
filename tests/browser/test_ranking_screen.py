"""Ranking in a real browser: keys, buttons and drag store the same, and nothing is lost."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from annotation.models import Draft, Judgment, KeptAnswer, Project, Skip, Slot, User
from annotation.services.slots import Lease, acquire_task, release_expired_leases
from tests.factories import make_task

Judge = Callable[[User], Page]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _tasks(transactional_db: None, campaign: Project) -> None:
    make_task(campaign, "pqrs", text="Why does dough collapse?", priority=2)
    make_task(campaign, "pqrs", text="Why is the sky blue?", priority=1)


def lanes(page: Page) -> list[list[str]]:
    return [lane.locator(".chip").all_inner_texts() for lane in page.locator("#lanes .lane.full").all()]


def said(judgment: Judgment) -> list[list[str]]:
    """The tiers in the letters that the annotator saw."""
    letters = dict(zip(judgment.shown_order, "ABCD", strict=True))
    return [sorted(letters[key] for key in tier) for tier in judgment.tiers]


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def submitted(page: Page) -> Judgment:
    expect(page.locator("#toasts")).to_contain_text("Saved.")
    return Judgment.objects.get(is_current=True)


def drag(page: Page, letter: str, target: str) -> None:
    start = page.locator(f".dock .chip[data-letter={letter}]").bounding_box()
    assert start is not None
    page.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(start["x"] + start["width"] / 2 + 8, start["y"] + start["height"] / 2, steps=3)
    end = page.locator(target).bounding_box()
    assert end is not None
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=10)
    # Sortable looks every 50 ms where the pointer is, later on a busy machine; what it found is what a person sees.
    for nudge in range(100):
        if page.locator(f"{target} .chip[data-letter={letter}]").count():
            break
        page.mouse.move(end["x"] + end["width"] / 2 + nudge % 2, end["y"] + end["height"] / 2)
        page.wait_for_timeout(60)
    page.mouse.up()


def test_five_keys_rank_four_responses_with_a_tie(judge: Judge, bob: User) -> None:
    page = judge(bob)
    press(page, "2", "1", "3", "2", "Enter")
    judgment = submitted(page)
    assert said(judgment) == [["B"], ["A", "D"], ["C"]]
    assert judgment.annotator == bob
    assert judgment.active_ms is not None


def test_next_task_comes_without_loading_the_page(judge: Judge, bob: User) -> None:
    page = judge(bob)
    page.evaluate("window.samePage = true")
    press(page, "1", "2", "3", "4", "Enter")
    expect(page.locator("#prompt")).to_contain_text("sky blue")
    assert page.evaluate("window.samePage") is True
    assert lanes(page) == []


def test_buttons_store_what_keys_store(judge: Judge, bob: User) -> None:
    page = judge(bob)
    for letter, rank in zip("ABCD", "2132", strict=True):
        page.locator(f"#card-{letter} [data-action=digit][data-value='{rank}']").click()
    page.locator("#submit").click()
    assert said(submitted(page)) == [["B"], ["A", "D"], ["C"]]


def test_drag_stores_what_keys_store(judge: Judge, bob: User) -> None:
    page = judge(bob)
    for letter, lane in zip("ABCD", (1, 0, 2, 1), strict=True):
        drag(page, letter, f"#lanes [data-lane='{lane}']")
        expect(page.locator(f"#lanes [data-lane='{lane}'] .chip[data-letter={letter}]")).to_be_visible()
    page.locator("#submit").click()
    assert said(submitted(page)) == [["B"], ["A", "D"], ["C"]]


def test_drag_between_two_tiers_makes_a_tier(judge: Judge, bob: User) -> None:
    page = judge(bob)
    press(page, "1", "2", "3", "4")
    drag(page, "D", "#lanes [data-gap='1']")
    expect(page.locator("#card-D .rank")).to_have_text("2nd")
    assert lanes(page) == [["A"], ["D"], ["B"], ["C"]]


def test_moves_ties_and_unranking(judge: Judge, bob: User) -> None:
    page = judge(bob)
    press(page, "1", "2", "3", "4", "c", "Alt+ArrowUp")
    assert lanes(page) == [["A"], ["C"], ["B"], ["D"]]
    press(page, "=")
    assert lanes(page) == [["A", "C"], ["B"], ["D"]]
    press(page, "Alt+ArrowDown")
    assert lanes(page) == [["A"], ["C"], ["B"], ["D"]]
    press(page, "u")
    assert lanes(page) == [["A"], ["B"], ["D"]]
    expect(page.locator("#missing")).to_have_text("Still to rank: C.")


def test_undo_and_redo(judge: Judge, bob: User) -> None:
    page = judge(bob)
    press(page, "1", "2", "Control+z")
    assert lanes(page) == [["A"]]
    press(page, "Control+Shift+z")
    assert lanes(page) == [["A"], ["B"]]


def test_below_the_line_is_stored_as_bad(judge: Judge, bob: User) -> None:
    page = judge(bob)
    press(page, "1", "2", "3", "x", "Enter")
    judgment = submitted(page)
    assert said(judgment) == [["A"], ["B"], ["C"], ["D"]]
    assert judgment.bad == [judgment.shown_order[3]]


def test_everything_can_be_bad(judge: Judge, bob: User) -> None:
    page = judge(bob)
    press(page, "x", "x", "x", "x", "Enter")
    judgment = submitted(page)
    assert sorted(judgment.bad) == ["p", "q", "r", "s"]
    assert len(judgment.tiers) == 1


def test_line_moves_over_a_tier(judge: Judge, bob: User) -> None:
    page = judge(bob)
    press(page, "1", "2", "3", "x")
    page.locator("[data-action=line-up]").click()
    expect(page.locator("#card-C .rank")).to_have_text("3rd · not acceptable")
    page.locator("[data-action=line-down]").click()
    expect(page.locator("#card-C .rank")).to_have_text("3rd")


def test_strength_between_tiers_is_stored(judge: Judge, bob: User) -> None:
    page = judge(bob)
    press(page, "1", "2", "2", "2")
    page.locator("#lanes .gt").click()
    page.locator("#lanes .gt").click()
    press(page, "a", "Enter")
    assert submitted(page).strength == [2]


def test_incomplete_ranking_is_not_sent(judge: Judge, bob: User) -> None:
    page = judge(bob)
    press(page, "1", "2", "Enter")
    expect(page.locator("#missing")).to_have_text("Still to rank: C and D.")
    assert not Judgment.objects.exists()


def test_keys_are_silent_while_writing(judge: Judge, bob: User) -> None:
    page = judge(bob)
    press(page, "Shift+N")
    page.keyboard.type("1 A better? xSu=")
    press(page, "Enter")
    assert lanes(page) == []
    assert not Judgment.objects.exists()
    press(page, "Escape", "1", "1", "1", "1")
    press(page, "Shift+N", "Control+Enter")
    assert submitted(page).rationale == "1 A better? xSu=\n"


def test_help_lists_the_keys_and_closes(judge: Judge, bob: User) -> None:
    page = judge(bob)
    press(page, "?")
    expect(page.locator("#keys-dialog")).to_be_visible()
    press(page, "1")
    press(page, "Escape")
    expect(page.locator("#keys-dialog")).to_be_hidden()
    assert lanes(page) == []


def test_people_who_listen_hear_what_happens(judge: Judge, bob: User) -> None:
    page = judge(bob)
    press(page, "2", "2")
    expect(page.locator("#announcer")).to_have_text("Response B is 1st of 1, tied with A. Response C is next.")


def test_skip_and_flag(judge: Judge, bob: User) -> None:
    page = judge(bob)
    press(page, "Shift+F")
    page.keyboard.type("Not a question")
    press(page, "Enter")
    expect(page.locator("#toasts")).to_contain_text("Flagged")
    press(page, "Shift+S", "Enter")
    expect(page.locator("#prompt")).to_contain_text("sky blue")
    assert Skip.objects.get().task.flags.get().reason == "Not a question"


def test_draft_survives_a_reload(judge: Judge, bob: User) -> None:
    page = judge(bob)
    press(page, "2", "1")
    expect(page.locator("#draft-state")).to_contain_text("draft saved")
    assert Draft.objects.get(annotator=bob).version == 1
    page.reload()
    expect(page.locator("#card-B .rank")).to_have_text("1st")
    expect(page.locator("#card-A .rank")).to_have_text("2nd")


def test_reload_before_the_server_has_the_draft(judge: Judge, bob: User, page: Page) -> None:
    page.route("**/draft", lambda route: route.abort())  # before the page is opened, as in test_nothing_is_lost.py
    judge(bob)
    press(page, "1", "3")
    page.evaluate("document.getElementById('rationale').dispatchEvent(new Event('input'))")
    page.reload()
    expect(page.locator("#card-B .rank")).to_have_text("2nd")


def test_submit_without_network_is_kept_and_sent_later(judge: Judge, bob: User, alarms: list[str]) -> None:
    page = judge(bob)
    press(page, "1", "2", "3", "4")
    page.context.set_offline(True)
    press(page, "Enter")
    expect(page.locator("#banner")).to_contain_text("Your answer is safe")
    assert not Judgment.objects.exists()
    page.context.set_offline(False)
    assert said(submitted(page)) == [["A"], ["B"], ["C"], ["D"]]
    expect(page.locator("#banner")).to_be_hidden()
    assert all("ERR_INTERNET_DISCONNECTED" in alarm for alarm in alarms)
    alarms.clear()


def test_answer_that_comes_too_late_is_kept(
    judge: Judge, bob: User, carol: User, campaign: Project, alarms: list[str]
) -> None:
    page = judge(bob)
    press(page, "1", "2", "3", "4")
    slot = Slot.objects.get(annotator=bob)
    Slot.objects.filter(task=slot.task).exclude(pk=slot.pk).update(state="released")
    Slot.objects.filter(pk=slot.pk).update(lease_expires_at="2020-01-01T00:00Z")
    assert release_expired_leases() == 1
    lease = acquire_task(project=campaign, annotator=carol)
    assert isinstance(lease, Lease)
    assert lease.task == slot.task
    press(page, "Enter")
    expect(page.locator("#toasts")).to_contain_text("Your answer is kept")
    expect(page.locator("#prompt")).to_contain_text("sky blue")
    assert KeptAnswer.objects.get().annotator == bob
    assert any("409" in alarm for alarm in alarms)
    alarms.clear()


def test_last_answer_is_taken_back_and_saved_as_a_new_revision(judge: Judge, bob: User) -> None:
    page = judge(bob)
    press(page, "1", "2", "3", "4", "Enter")
    expect(page.locator("#prompt")).to_contain_text("sky blue")
    press(page, "Control+z")
    expect(page.locator("#prompt")).to_contain_text("dough")
    expect(page.locator("#card-A .rank")).to_have_text("1st")
    page.locator("#edit-reason").fill("Pressed too fast")
    press(page, "Escape", "d", "=", "Enter")
    expect(page.locator("#prompt")).to_contain_text("sky blue")
    judgment = Judgment.objects.get(is_current=True)
    assert said(judgment) == [["A"], ["B"], ["C", "D"]]
    assert (judgment.revision, judgment.reason) == (2, "Pressed too fast")


def test_taking_back_keeps_the_answer_that_was_begun(judge: Judge, bob: User) -> None:
    page = judge(bob)
    press(page, "1", "2", "3", "4", "Enter")
    expect(page.locator("#prompt")).to_contain_text("sky blue")
    press(page, "3", "2")
    page.locator("#toasts button", has_text="Undo").click()
    expect(page.locator("#prompt")).to_contain_text("dough")
    page.get_by_role("button", name="Leave it as it is").click()
    expect(page.locator("#prompt")).to_contain_text("sky blue")
    assert lanes(page) == [["B"], ["A"]]
    assert Judgment.objects.get().revision == 1


def test_end_of_the_work_is_said(judge: Judge, bob: User) -> None:
    page = judge(bob)
    for prompt in ("sky blue", None):
        press(page, "1", "2", "3", "4", "Enter")
        if prompt:
            expect(page.locator("#prompt")).to_contain_text(prompt)
    expect(page.locator("#no-work-reason")).to_contain_text("You have judged everything")


def test_page_names_no_model(judge: Judge, bob: User) -> None:
    page = judge(bob)
    html = page.content()
    assert "model-" not in html
    assert not any(f'"{key}"' in html for key in "pqrs")
