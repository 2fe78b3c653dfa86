"""The same ranking by keys, by drag and over the API is the same answer, byte for byte."""

from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Page, expect

from annotation.models import Judgment, Project, Task, User
from tests.browser.test_ranking_screen import Judge, drag, press
from tests.factories import make_task

pytestmark = pytest.mark.django_db(transaction=True)

RANKS = {"q": 1, "p": 2, "s": 2, "r": 3}
"""Four responses, two of them tied."""
STORED = "tiers, bad, unranked, strength, scores, rationale, rationales, confidence, kind"


@pytest.fixture(autouse=True)
def _tasks(transactional_db: None, campaign: Project) -> None:
    Project.objects.filter(pk=campaign.pk).update(gold_rate=0, repeat_rate=0)
    for number in range(3):
        # The id decides the order shown: of three that come as they may, all are alike once in 576 times.
        make_task(campaign, "pqrs", text=f"Question {number}", priority=-number, pk=1 + number)


def keys_by_letter(page: Page) -> dict[str, str]:
    """Which response each letter stands for, by its text."""
    texts = {letter: page.locator(f"#card-{letter} .read").inner_text() for letter in "ABCD"}
    return {letter: text.removeprefix("Answer ").removesuffix(".") for letter, text in texts.items()}


def by_keys(page: Page) -> None:
    digits = [str(RANKS[key]) for key in keys_by_letter(page).values()]
    presses = [*digits, "Enter"]
    assert len(presses) <= 5
    press(page, *presses)


def by_drag(page: Page) -> None:
    for letter, key in sorted(keys_by_letter(page).items(), key=lambda each: RANKS[each[1]]):
        drag(page, letter, f"#lanes .lane[data-lane='{RANKS[key] - 1}']")
    page.locator("#submit").click()


OVER_THE_API = """
async ([token, path, tiers]) => (await fetch(path, {
  method: "POST", body: JSON.stringify({lease_token: token, answer: {tiers}}),
  headers: {
    "Content-Type": "application/json", "Idempotency-Key": "api",
    "X-CSRFToken": document.cookie.match(/csrftoken=(\\w+)/)[1],
  },
})).status
"""


def over_the_api(page: Page) -> None:
    """As a program would: the lease and the letters of the task that acquire gives, tiers of letters back."""
    work: Any = page.evaluate("() => JSON.parse(document.getElementById('first-work').textContent)")
    letters = {each["text"].split()[1].rstrip("."): each["letter"] for each in work["task"]["responses"]}
    tiers = [[letters[key] for key in RANKS if RANKS[key] == rank] for rank in (1, 2, 3)]
    path = f"/api/v1/tasks/{work['task']['id']}/judgments"
    assert page.evaluate(OVER_THE_API, [work["lease"]["token"], path, tiers]) == 201


def stored(task: Task) -> bytes:
    """The answer as the database holds it, but for what differs by nature: time spent, its signs, the order shown."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ({STORED})::text FROM annotation_judgment WHERE task_id = %s", [task.pk])
        return str(cursor.fetchone()[0]).encode()


def test_keys_drag_and_api_store_the_same_bytes(judge: Judge, bob: User, campaign: Project) -> None:
    tasks = list(campaign.tasks.order_by("-priority"))
    page = judge(bob)
    expect(page.locator("#prompt")).to_have_text("Question 0")
    by_keys(page)
    expect(page.locator("#prompt")).to_have_text("Question 1")
    by_drag(page)
    expect(page.locator("#prompt")).to_have_text("Question 2")
    page = judge(bob)
    over_the_api(page)
    orders = [Judgment.objects.get(task=task).shown_order for task in tasks]
    assert len({tuple(order) for order in orders}) > 1, "the letters stood for other responses each time"
    answers = {stored(task) for task in tasks}
    assert len(answers) == 1, answers
    assert answers.pop().startswith(b'("[[""q""], [""p"", ""s""], [""r""]]",[]')
