"""What helps people to read: pin, find, lengths on demand, a prompt that folds, and the way to what is missing."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from annotation.models import Project, Response, User
from tests.browser.test_ranking_screen import Judge, press
from tests.factories import make_task

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "Fold the dough.\n\nThen **fo**ld it İ again, FOLD.\n\n```\nfold(dough)\n```\n\n" + "More words here.\n\n" * 60


@pytest.fixture(autouse=True)
def _tasks(transactional_db: None, campaign: Project) -> None:
    make_task(campaign, "pqrs", text="Why does dough collapse?\n\n" + "And more to ask.\n\n" * 5)
    Response.objects.update(text=TEXT)


def marked(page: Page, name: str = "found") -> list[str]:
    found: list[str] = page.evaluate("name => [...(CSS.highlights.get(name) || [])].map(String)", name)
    return found


def in_sight(page: Page, selector: str) -> Any:
    return page.locator(selector).evaluate(
        "node => { const box = node.getBoundingClientRect(); return box.top >= -1 && box.top < innerHeight; }"
    )


def test_find_marks_every_match_and_goes_to_each(judge: Judge, bob: User) -> None:
    page = judge(bob)
    press(page, "b", "/")
    field = page.locator("#card-B .find input")
    expect(field).to_be_focused()
    field.fill("fold")
    assert marked(page) == ["Fold", "fold", "FOLD", "fold"]
    said = page.locator("#card-B .find [role=status]")
    expect(said).to_have_text("1 of 4")
    press(page, "Enter", "Enter")
    expect(said).to_have_text("3 of 4")
    assert marked(page, "found-now") == ["FOLD"]
    press(page, "Shift+Enter")
    assert marked(page, "found-now") == ["fold"]
    field.fill("dough.Then")
    expect(said).to_have_text("nothing")
    field.fill("1x2")
    expect(page.locator("#lanes .chip")).to_have_count(0)
    press(page, "Escape")
    expect(page.locator(".find")).to_have_count(0)
    expect(page.locator("#card-B")).to_be_focused()
    assert marked(page) == []
    assert page.locator("#card-B .read mark").count() == 0


def test_find_belongs_to_one_card_and_ends_with_the_task(judge: Judge, bob: User, campaign: Project) -> None:
    make_task(campaign, "pqrs", text="Next", priority=-1)
    page = judge(bob)
    page.locator("#card-A").hover()
    page.locator("#card-A [data-action=find]").click()
    page.locator("#card-A .find input").fill("more")
    page.locator("#card-C").hover()
    page.locator("#card-C [data-action=find]").click()
    expect(page.locator(".find")).to_have_count(1)
    assert marked(page) == []
    page.locator("#card-C .find input").fill("more")
    press(page, "Escape", "a", "1", "2", "3", "4", "Enter")
    expect(page.locator("#prompt")).to_have_text("Next")
    expect(page.locator(".find")).to_have_count(0)


def test_a_pinned_response_stays_in_sight(judge: Judge, bob: User, campaign: Project) -> None:
    make_task(campaign, "pqrs", text="Next", priority=-1)
    page = judge(bob)
    page.set_viewport_size({"width": 1280, "height": 720})
    press(page, "a", "k", "d")
    assert in_sight(page, "#card-A")
    expect(page.locator("#card-A [data-action=pin]")).to_have_attribute("aria-pressed", "true")
    press(page, "c", "k")
    expect(page.locator(".card.pinned")).to_have_attribute("data-letter", "C")
    page.set_viewport_size({"width": 400, "height": 800})
    press(page, "b")
    expect(page.locator(".card:visible")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    press(page, "c", "k")
    expect(page.locator(".card:visible")).to_have_count(1)
    press(page, "k", "a", "1", "2", "3", "4", "Enter")
    expect(page.locator("#prompt")).to_have_text("Next")
    expect(page.locator(".pinned, .has-pin")).to_have_count(0)


def test_lengths_are_shown_only_to_who_asks(judge: Judge, bob: User) -> None:
    Response.objects.filter(key="p").update(text="Two words")
    Response.objects.filter(key="q").update(text="日本語のテキストです。 👍🏽")
    Response.objects.filter(key="r").update(text="")
    page = judge(bob)
    expect(page.locator(".length:visible")).to_have_count(0)
    press(page, "l")
    expect(page.locator(".length:visible")).to_have_count(4)
    found = set(page.locator(".length").all_inner_texts())
    assert {"2 words, 9 characters", "0 words, 0 characters"} <= found
    assert any(text.endswith("14 characters") for text in found)
    page.get_by_role("button", name="Lengths").click()
    expect(page.locator(".length:visible")).to_have_count(0)


def test_the_prompt_folds_and_the_note_stays(judge: Judge, bob: User) -> None:
    page = judge(bob)
    before = page.locator("#cards").bounding_box()
    press(page, "Shift+P")
    after = page.locator("#cards").bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] > before["width"] + 200
    expect(page.locator("#rationale")).to_be_visible()
    button = page.get_by_role("button", name="Unfold the prompt")
    expect(button).to_have_attribute("aria-expanded", "false")
    button.click()
    assert page.locator("#cards").bounding_box() == before


def test_what_is_missing_is_a_way_there(judge: Judge, bob: User) -> None:
    page = judge(bob)
    press(page, "1", "2")
    page.locator("#missing").click()
    expect(page.locator("#card-C")).to_be_focused()
