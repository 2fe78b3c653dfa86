"""The way of somebody new: practice, the test, then work with gold and a repeat in it that nobody can tell."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from annotation.kinds.ranking import RankingAnswer
from annotation.models import Judgment, Project, QualificationAttempt, Task, User
from annotation.services.pauses import pause_person
from tests.factories import make_task

KNOWN = RankingAnswer(tiers=(("a",), ("b",), ("c",)), rationale="**a** keeps to the question.").as_mapping()


def rank(page: Page, order: str = "abc") -> None:
    """Ranks the responses with these texts, best first, by the keyboard."""
    page.wait_for_selector("#cards .card:not([data-seen])")  # a new task has new cards, even where it looks the same
    page.evaluate("document.querySelectorAll('#cards .card').forEach((card) => { card.dataset.seen = '' })")
    texts = page.locator("#cards .card").all_inner_texts()
    for place, key in enumerate(order, start=1):
        page.keyboard.press(next("ABC"[number] for number, text in enumerate(texts) if f"Answer {key}." in text))
        page.keyboard.press(str(place))
    page.keyboard.press("Enter")


def shape(value: Any) -> Any:
    """The keys of a JSON value, all the way down, and the kinds of its leaves."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value).__name__


@pytest.fixture
def campaign_with_quality(campaign: Project) -> Project:
    Project.objects.filter(pk=campaign.pk).update(
        practice_tasks=1, qualification_tasks=1, pass_mark=1.0, qualification_attempts=2, repeat_after=1
    )
    make_task(campaign, "abc", purpose="practice", gold=KNOWN)
    make_task(campaign, "abc", purpose="qualification", gold=KNOWN)
    make_task(campaign, "abc", purpose="gold", gold=KNOWN)
    for _ in range(8):
        make_task(campaign, "abc")
    return campaign


def test_from_practice_to_silent_work(
    campaign_with_quality: Project, bob: User, enter: Callable[[User, str], Page]
) -> None:
    campaign = campaign_with_quality
    Project.objects.filter(pk=campaign.pk).update(gold_rate=0, repeat_rate=0)
    page = enter(bob, f"/projects/{campaign.slug}/judge/")
    works: list[Any] = []

    def watch(response: Any) -> None:
        if response.request.method == "POST" and response.url.endswith("/judgments"):
            works.append(response.json().get("next"))

    page.on("response", watch)
    page.reload()

    expect(page.locator("#stage")).to_have_text("Practice: task 1 of 1, it does not count")
    assert "keeps to the question" not in page.content()
    rank(page, "cba")
    told = page.locator("dialog.feedback")
    expect(told.get_by_role("heading")).to_have_text("Here is what to look for")
    expect(told).to_contain_text("a keeps to the question.")
    page.keyboard.press("Enter")

    expect(page.locator("#stage")).to_have_text("Test: task 1 of 1")
    rank(page, "cba")
    expect(told.get_by_role("heading")).to_have_text("Not passed this time")
    page.keyboard.press("Enter")
    expect(page.locator("#stage")).to_have_text("Test: task 1 of 1")
    rank(page, "abc")
    expect(told.get_by_role("heading")).to_have_text("You passed the test")
    page.keyboard.press("Enter")
    assert QualificationAttempt.objects.get(number=2).state == "passed"

    expect(page.locator("#stage")).to_be_hidden()
    for done in (1, 2, 3):
        rank(page)
        expect(page.locator("[data-done]")).to_have_text(str(done))
    Project.objects.filter(pk=campaign.pk).update(gold_rate=0.5, repeat_rate=0.5)
    page.reload()
    for done in (4, 5, 6, 7):
        rank(page)
        expect(page.locator("[data-done]")).to_have_text(str(done))
        expect(page.locator("dialog.feedback")).to_have_count(0)

    mine = Judgment.objects.filter(annotator=bob).values_list("task__purpose", flat=True)
    assert {"practice", "qualification", "normal"} < set(mine)
    assert {"gold", "repeat"} & set(mine)
    by_purpose: dict[str, list[Any]] = {}
    for work in works:
        if work and work["task"]:
            purpose = Task.objects.get(pk=work["task"]["id"]).purpose
            by_purpose.setdefault(purpose, []).append(shape(work))
    silent = [each for purpose in ("gold", "repeat") for each in by_purpose.get(purpose, [])]
    assert silent
    assert all(each in by_purpose["normal"] for each in silent)


def test_whoever_is_paused_reads_why(
    campaign_with_quality: Project, alice: User, bob: User, enter: Callable[[User, str], Page]
) -> None:
    pause_person(project=campaign_with_quality, person=bob, actor=alice, note="Let us talk about sources.")
    page = enter(bob, f"/projects/{campaign_with_quality.slug}/judge/")
    expect(page.locator("#no-work-reason")).to_contain_text("This is no verdict on you")
    expect(page.locator("#no-work-reason")).to_contain_text("Let us talk about sources.")
