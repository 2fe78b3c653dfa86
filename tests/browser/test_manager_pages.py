"""Managers' pages on a phone: what they list stays legible and in sight."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from annotation.models import Criterion, Project, User
from tests.factories import make_task

pytestmark = pytest.mark.django_db(transaction=True)
Enter = Callable[[User, str], Page]
MARKS = (
    """() => [...document.querySelectorAll(".steps li")].map((each) => getComputedStyle(each, "::before").content)"""
)


def test_a_long_prompt_leaves_room_for_what_is_known_about_the_task(
    transactional_db: None, campaign: Project, alice: User, enter: Enter
) -> None:
    make_task(campaign, text="Why does bread that was proofed for a whole warm night collapse when it is scored? " * 3)
    page = enter(alice, "/projects/campaign/tasks/")
    page.set_viewport_size({"width": 360, "height": 740})
    box = page.get_by_role("columnheader", name="Id", exact=True).bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 360
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_only_the_steps_of_setting_up_are_numbered(
    transactional_db: None, campaign: Project, alice: User, enter: Enter
) -> None:
    for name in ("a", "b"):
        Criterion.objects.create(project=campaign, name=name, label=name)
    marks = enter(alice, "/projects/campaign/setup/").evaluate(MARKS)
    assert len(marks) == 7
    assert marks.count("none") == 2
