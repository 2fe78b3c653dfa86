"""Scoring in a real browser: keys, radio buttons, number fields."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from annotation.models import Criterion, Judgment, Project, User
from tests.factories import make_task

Judge = Callable[[User], Page]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _task(transactional_db: None, campaign: Project) -> None:
    Project.objects.filter(pk=campaign.pk).update(kind="scalar")
    campaign.refresh_from_db()
    anchors = {"1": "wrong", "5": "right"}
    Criterion.objects.create(project=campaign, name="correct", label="Correctness", anchors=anchors, position=0)
    Criterion.objects.create(project=campaign, name="tone", label="Tone", maximum=7, required=False, position=1)
    Criterion.objects.create(
        project=campaign, name="safety", label="Safety", minimum=0, maximum=1, step=None, position=2
    )
    make_task(campaign, "p", text="Why does dough collapse?")


def submitted(page: Page) -> Judgment:
    expect(page.locator("#toasts")).to_contain_text("Saved.")
    return Judgment.objects.get(is_current=True)


def test_digits_answer_one_criterion_after_the_other(judge: Judge, bob: User) -> None:
    page = judge(bob)
    page.keyboard.press("4")
    page.keyboard.press("7")
    page.keyboard.type("0.25")
    page.keyboard.press("Control+Enter")
    assert submitted(page).scores == {"correct": {"p": 4}, "tone": {"p": 7}, "safety": {"p": 0.25}}


def test_not_applicable_where_it_is_allowed(judge: Judge, bob: User) -> None:
    page = judge(bob)
    page.keyboard.press("n")
    expect(page.locator("#announcer")).to_have_text("That is not on this scale.")
    page.keyboard.press("1")
    page.keyboard.press("n")
    page.keyboard.type("1")
    page.keyboard.press("Control+Enter")
    assert submitted(page).scores == {"correct": {"p": 1}, "tone": {"p": None}, "safety": {"p": 1}}


def test_mouse_stores_the_same(judge: Judge, bob: User) -> None:
    page = judge(bob)
    page.get_by_label("5 right").check()
    page.get_by_label("Safety, 0 to 1").fill("0.5")
    page.locator("#submit").click()
    assert submitted(page).scores == {"correct": {"p": 5}, "safety": {"p": 0.5}}


def test_value_off_the_scale_is_not_sent(judge: Judge, bob: User) -> None:
    page = judge(bob)
    page.keyboard.press("4")
    page.get_by_label("Safety, 0 to 1").fill("2")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#missing")).to_have_text("Still to score: Safety.")
    assert not Judgment.objects.exists()


def test_digit_off_the_scale_is_said(judge: Judge, bob: User) -> None:
    page = judge(bob)
    page.keyboard.press("9")
    expect(page.locator("#announcer")).to_have_text("That is not on this scale.")
    expect(page.locator("#missing")).to_have_text("Still to score: Correctness, Safety.")


def test_scores_beside_a_ranking(judge: Judge, bob: User, campaign: Project) -> None:
    Project.objects.filter(pk=campaign.pk).update(kind="ranking")
    Criterion.objects.filter(project=campaign, required=True).exclude(name="correct").delete()
    campaign.refresh_from_db()
    campaign.tasks.update(state="archived")
    make_task(campaign, "pq")
    page = judge(bob)
    page.keyboard.press("1")
    page.keyboard.press("2")
    expect(page.locator("#missing")).to_have_text("Correctness of response A needs a score.")
    for letter in "AB":
        page.locator(f"#card-{letter}").get_by_label("5 right").check()
    page.locator("#submit").click()
    assert submitted(page).scores == {"correct": {"p": 5, "q": 5}}


def test_rows_and_points_are_a_grid_for_the_arrows(judge: Judge, bob: User) -> None:
    page = judge(bob)
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowLeft", "ArrowUp", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    page.keyboard.type("1")
    page.keyboard.press("Control+Enter")
    assert submitted(page).scores == {"correct": {"p": 1}, "tone": {"p": 7}, "safety": {"p": 1}}


def test_a_score_has_its_reason_with_words_of_the_response(judge: Judge, bob: User) -> None:
    page = judge(bob)
    page.keyboard.press("w")
    page.keyboard.type("wrong: 4 1 n")
    page.locator(".card .read p").evaluate("node => getSelection().selectAllChildren(node)")
    page.locator("#quote").click()
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    page.get_by_label("Safety, 0 to 1").fill("0.5")
    page.locator("#submit").click()
    judgment = submitted(page)
    assert judgment.rationales == {"correct": "wrong: 4 1 n\n> “Answer p.”\n"}
    assert judgment.scores["correct"] == {"p": 2}
    page.goto(page.url.replace("/projects/campaign/judge/", f"/judgments/{judgment.pk}/edit/"))
    expect(page.get_by_label("Why? Correctness").locator("visible=true")).to_have_value(judgment.rationales["correct"])


def test_every_point_of_the_lit_criterion_shows_its_text(judge: Judge, bob: User) -> None:
    page = judge(bob)
    expect(page.locator(".scale.on .point span").first).to_have_text(" wrong")
    box = page.locator(".scale.on .point span").first.bounding_box()
    assert box is not None
    assert box["width"] > 10
