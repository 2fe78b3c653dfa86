from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotation.models import Project, User
from tests.factories import make_task

PLACE = "/projects/campaign/tasks/change/"


@pytest.fixture
def client(campaign: Project, alice: User) -> Client:
    for number in range(3):
        make_task(campaign, external_id=f"q-{number}", priority=number)
    client = Client()
    client.force_login(alice)
    return client


def priorities(project: Project) -> list[float]:
    return list(project.tasks.order_by("pk").values_list("priority", flat=True))


def test_a_count_and_a_question_come_before_the_deed(client: Client, campaign: Project) -> None:
    form = {"scope": "all", "action": "prioritize", "value": "7", "filter-priority_min": "1"}
    asked = client.post(PLACE, form)
    assert "Set the priority of 2 tasks to 7?" in asked.content.decode()
    assert priorities(campaign) == [0, 1, 2]
    done = client.post(PLACE, {**form, "confirmed": "2"})
    assert done.status_code == 302
    assert done["Location"] == reverse("tasks", args=[campaign.slug]) + "?priority_min=1.0"
    assert priorities(campaign) == [0, 7, 7]


def test_it_asks_again_when_another_number_fits_meanwhile(client: Client, campaign: Project) -> None:
    form = {"scope": "all", "action": "pause", "confirmed": "2"}
    asked = client.post(PLACE, form)
    assert "Meanwhile another number" in asked.content.decode()
    assert campaign.tasks.filter(state="open").count() == 3


def test_selected_rows_alone_are_changed(client: Client, campaign: Project) -> None:
    first = campaign.tasks.order_by("pk").first()
    assert first is not None
    form: dict[str, Any] = {"scope": "selected", "action": "archive", "task": [first.pk], "confirmed": "1"}
    client.post(PLACE, form)
    assert list(campaign.tasks.filter(state="archived")) == [first]


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"action": "drop"}, "Choose what to do"), ({"action": "pause", "task": ["x"]}, "no task of the list"),
        ({"action": "pause"}, "No task is selected"),
        ({"action": "prioritize", "value": "high", "scope": "all"}, "number"),
        ({"action": "want_judgments", "value": "1.5", "scope": "all"}, "whole number"),
        ({"action": "ask_for_skill", "scope": "all"}, "Choose the skill"),
        ({"action": "tag", "value": " ", "scope": "all", "confirmed": "3"}, "A tag is a text"),
    ],
)  # fmt: skip
def test_bad_forms_come_back_with_a_sentence(form: dict[str, Any], sentence: str, client: Client) -> None:
    assert sentence in client.post(PLACE, form, follow=True).content.decode()


def test_only_managers_and_only_by_post(client: Client, rita: User, oscar: User) -> None:
    assert client.get(PLACE).status_code == 405
    for person, status in ((rita, 403), (oscar, 404)):
        other = Client()
        other.force_login(person)
        assert other.post(PLACE, {"action": "pause", "scope": "all"}).status_code == status


def test_a_filter_that_cannot_be_read_is_named_beside_the_table(client: Client) -> None:
    page = client.get("/projects/campaign/tasks/", {"state": "gone", "priority_min": "2"})
    assert page.status_code == 400
    text = page.content.decode()
    assert "No such state: gone" in text
    assert "q-2" in text
    assert "q-1" not in text


def test_the_table_survives_any_query(client: Client) -> None:
    for query in ("after=x", "before=:9", "order=x", "search=%00", "skipped=0", "after=1:1&before=1:1", "search='"):
        assert client.get(f"/projects/campaign/tasks/?{query}").status_code in (200, 400)
