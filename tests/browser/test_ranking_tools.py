"""What the ranking screen offers beside ranks: seven points for a pair, comparing, one's own keys, narrow windows."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from annotation.models import Judgment, Project, Response, Shortcut, User
from tests.factories import make_task

Judge = Callable[[User], Page]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _later_task(transactional_db: None, campaign: Project) -> None:
    make_task(campaign, "pq", text="Why is the sky blue?", priority=1)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def submitted(page: Page) -> Judgment:
    expect(page.locator("#toasts")).to_contain_text("Saved.")
    return Judgment.objects.latest("pk")


def said(judgment: Judgment) -> list[list[str]]:
    letters = dict(zip(judgment.shown_order, "ABCDEFGHI", strict=False))
    return [sorted(letters[key] for key in tier) for tier in judgment.tiers]


PAIRS: list[tuple[list[str], list[list[str]], list[int] | None, int]] = [
    (["ArrowLeft"], [["A"], ["B"]], [1], 0),
    (["ArrowRight", "ArrowRight"], [["B"], ["A"]], [2], 0),
    (["Shift+ArrowRight"], [["B"], ["A"]], [3], 0),
    (["2"], [["A"], ["B"]], [2], 0),
    (["ArrowLeft", "ArrowDown"], [["A", "B"]], None, 0),
    (["ArrowUp"], [["A", "B"]], None, 2),
    (["7", "a", "x"], [["B"], ["A"]], [3], 1),
    (["1", "ArrowUp", "Control+z"], [["A"], ["B"]], [3], 0),
]


def test_pairs_are_judged_on_seven_points_by_keys(judge: Judge, bob: User, campaign: Project) -> None:
    for number in range(1, len(PAIRS)):
        make_task(campaign, "pq", text=f"Pair {number}")
    page = judge(bob)
    for number, (keys, tiers, strength, bad) in enumerate(PAIRS):
        expect(page.locator("#prompt")).to_contain_text(f"Pair {number}" if number else "sky blue")
        press(page, *keys, "Enter")
        expect(page.locator("[data-done]")).to_have_text(str(number + 1))
        judgment = Judgment.objects.latest("pk")
        assert (said(judgment), judgment.strength, len(judgment.bad)) == (tiers, strength, bad), keys


def test_pair_by_mouse_stores_what_keys_store(judge: Judge, bob: User) -> None:
    page = judge(bob)
    page.get_by_role("button", name="B clearly better").click()
    page.locator("#submit").click()
    judgment = submitted(page)
    assert (said(judgment), judgment.strength) == ([["B"], ["A"]], [2])


def test_two_responses_are_compared_word_by_word(judge: Judge, bob: User, campaign: Project) -> None:
    task = make_task(campaign, "pqr", priority=5)
    for key, text in {"p": "The *old* oven is hot.", "q": "The new oven is cold.", "r": "烤箱很热。"}.items():
        Response.objects.filter(prompt=task.prompt, key=key).update(text=text)
    page = judge(bob)
    page.locator(".card", has_text="old oven").click()
    other = page.locator(".card", has_text="new oven").get_attribute("data-letter")
    press(page, "Shift+D")
    expect(page.locator("#compare-hint")).to_contain_text("with which one?")
    press(page, str(other).lower())
    assert page.locator(".pane mark").all_inner_texts() == ["*old* ", "hot", "new ", "cold"]
    page.locator("#compare-words").uncheck()
    expect(page.locator(".pane em")).to_have_text("old")
    press(page, "Escape")
    expect(page.locator("#compare-dialog")).to_be_hidden()
    press(page, "Shift+D", "Escape", "1")
    expect(page.locator("#compare-hint")).to_be_hidden()
    assert page.locator("#lanes .lane.full").count() == 1


def test_keys_are_chosen_and_kept(judge: Judge, bob: User, alarms: list[str]) -> None:
    page = judge(bob)
    press(page, "?")
    page.get_by_role("button", name="Change the key for skip the task").click()
    press(page, "Shift+F")
    expect(page.locator("#keys-said")).to_have_text("That key already means “flag the task to the managers”.")
    page.get_by_role("button", name="Change the key for skip the task").click()
    press(page, "Control+b")
    expect(page.locator("#keys-said")).to_contain_text("choose another one")
    alarms[:] = [alarm for alarm in alarms if "400" not in alarm]
    page.get_by_role("button", name="Change the key for skip the task").click()
    press(page, "j")
    expect(page.locator("#keys-said")).to_have_text("J it is.")
    assert dict(Shortcut.objects.values_list("action", "key")) == {"skip": "j"}
    page.reload()
    press(page, "Shift+S")
    expect(page.locator("#skip-dialog")).to_be_hidden()
    press(page, "j")
    expect(page.locator("#skip-dialog")).to_be_visible()


def test_stored_code_that_is_none_harms_nobody(judge: Judge, bob: User) -> None:
    """Should the table ever hold markup, by whatever way: it is no code, so the page never sees it."""
    Shortcut.objects.create(user=bob, action="skip", key="<img src=x onerror=a>"[:20])
    page = judge(bob)
    assert "onerror" not in page.content()
    press(page, "Shift+S")
    expect(page.locator("#skip-dialog")).to_be_visible()


def test_words_are_quoted_into_the_note(judge: Judge, bob: User) -> None:
    page = judge(bob)
    page.locator("#card-B .read p").evaluate("node => getSelection().selectAllChildren(node)")
    press(page, "Shift+Q")
    expect(page.locator("#rationale")).to_have_value("> B: “" + page.locator("#card-B .read p").inner_text() + "”\n")


def test_narrow_window_shows_one_response_at_a_time(judge: Judge, bob: User, campaign: Project) -> None:
    make_task(campaign, "pqrs", priority=5)
    page = judge(bob)
    page.set_viewport_size({"width": 360, "height": 740})
    expect(page.locator(".card:visible")).to_have_count(1)
    page.locator("#card-A [data-action=digit][data-value='2']").click()
    expect(page.locator("#card-B")).to_be_visible()
    # Browsers differ in whether the hidden words of a name are parted from the letter.
    page.get_by_role("button", name=re.compile("Response D ?, not ranked")).click()
    expect(page.locator(".card:visible")).to_have_attribute("id", "card-D")
    page.locator("#tabs").get_by_role("button", name="Compare").click()
    expect(page.locator(".pane")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_columns_for_three_and_a_grid_for_four(judge: Judge, bob: User, campaign: Project) -> None:
    make_task(campaign, "pqr", priority=6)
    page = judge(bob)
    page.set_viewport_size({"width": 1440, "height": 900})
    tops = [page.locator(f"#card-{letter}").bounding_box() for letter in "ABC"]
    assert len({box["y"] for box in tops if box}) == 1
    make_task(campaign, "pqrs", priority=5)
    press(page, "1", "2", "3", "Enter")
    expect(page.locator("#card-D")).to_be_visible()
    tops = [page.locator(f"#card-{letter}").bounding_box() for letter in "ABCD"]
    assert len({box["y"] for box in tops if box}) == 2


def test_line_is_dragged_over_a_tier(judge: Judge, bob: User, campaign: Project) -> None:
    make_task(campaign, "pqr", priority=6)
    page = judge(bob)
    press(page, "1", "2", "3")
    grip, lane = page.locator(".bad-grip").bounding_box(), page.locator("#lanes [data-lane='1']").bounding_box()
    assert grip is not None
    assert lane is not None
    page.mouse.move(grip["x"] + 5, grip["y"] + 5)
    page.mouse.down()
    page.mouse.move(lane["x"] + 2, grip["y"] + 5, steps=5)
    page.mouse.up()
    press(page, "Enter")
    judgment = submitted(page)
    letters = dict(zip(judgment.shown_order, "ABC", strict=True))
    assert sorted(letters[key] for key in judgment.bad) == ["B", "C"]


def test_a_finger_drags_what_a_mouse_drags(
    browser: Browser, live_server: object, campaign: Project, bob: User, sign_in: Callable[[object, User], None]
) -> None:
    make_task(campaign, "pqr", priority=6)
    context = browser.new_context(has_touch=True, viewport={"width": 820, "height": 1000})
    sign_in(context, bob)
    page = context.new_page()
    page.goto(f"{live_server.url}/projects/{campaign.slug}/judge/")  # type: ignore[attr-defined]
    page.wait_for_selector("#work:not([hidden])")
    touch = context.new_cdp_session(page)
    for letter, lane in (("B", 0), ("A", 1), ("C", 1)):
        start = page.locator(f"#tray .chip[data-letter={letter}]").bounding_box()
        end = page.locator(f"#lanes [data-lane='{lane}']").bounding_box()
        assert start is not None
        assert end is not None
        x, y = start["x"] + 10, start["y"] + 10
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for step in range(1, 9):
            point = {"x": x + (end["x"] + 20 - x) * step / 8, "y": y + (end["y"] + 20 - y) * step / 8}
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
            page.wait_for_timeout(20)
        # Sortable looks every 50 ms where the finger is, later on a busy machine; what it found is what a person sees.
        chip = page.locator(f"#lanes [data-lane='{lane}'] .chip[data-letter={letter}]")
        for nudge in range(100):
            if chip.count():
                break
            point = {"x": end["x"] + 20 + nudge % 2, "y": end["y"] + 20}
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
            page.wait_for_timeout(60)
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        expect(chip).to_be_visible()
    page.locator("#submit").tap()
    judgment = submitted(page)
    context.close()
    assert said(judgment) == [["B"], ["A", "C"]]
