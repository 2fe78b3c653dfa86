from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from annotation.api import authentication
from annotation.models import Judgment, Membership, Project, Slot, User
from tests.annotation.api.conftest import SOURCES, ClientOf, acquire, submit


def test_acquire_shows_the_task_in_letters(project: Project, client_of: ClientOf) -> None:
    work = client_of("bob").post("/api/v1/projects/cooking/acquire?html=true").json()

    assert [response["letter"] for response in work["task"]["responses"]] == ["A", "B", "C"]
    assert work["task"]["shown_order"] == ["A", "B", "C"]
    assert work["task"]["responses"][0]["html"].startswith("<p>Text <strong>")
    assert work["task"]["prompt"][0]["content"].startswith("How do")
    assert work["task"]["criteria"][0]["name"] == "helpfulness"
    assert "<strong>fair</strong>" in work["task"]["guideline_html"]
    assert work["draft"] is None


def test_programs_get_texts_and_browsers_html_unless_they_say_otherwise(
    project: Project, people: dict[str, User], client_of: ClientOf
) -> None:
    browser = APIClient()
    browser.force_login(people["bob"])
    address = "/api/v1/projects/cooking/acquire"

    assert "html" not in acquire(client_of("bob"))["task"]["responses"][0]
    assert "html" in browser.post(address).json()["task"]["responses"][0]
    assert "guideline_html" not in browser.post(f"{address}?html=false").json()["task"]
    assert browser.post(f"{address}?html=maybe").json()["message"] == "html is true or false."


def test_acquire_again_gives_the_same_lease(project: Project, client_of: ClientOf) -> None:
    client = client_of("bob")

    first, second = acquire(client), acquire(client)

    assert first["lease"]["token"] == second["lease"]["token"]
    assert first["task"] == second["task"]


def test_a_token_gets_work_in_one_statement_and_submits_it_in_two(project: Project, client_of: ClientOf) -> None:
    client = client_of("bob")
    submit(client, acquire(client), key="key-0")

    with CaptureQueriesContext(connection) as queries:
        submit(client, acquire(client))

    # The test's own transaction adds savepoints.
    statements = [query["sql"].split()[0] for query in queries]
    assert [each for each in statements if each not in ("SAVEPOINT", "RELEASE")] == ["SELECT", "SELECT", "WITH"]


def test_nothing_is_leased_where_no_work_is_given(
    project: Project, people: dict[str, User], client_of: ClientOf
) -> None:
    address = "/api/v1/projects/cooking/acquire"

    assert client_of("bob").get(address).status_code == 405
    Project.objects.update(is_open=False)
    assert acquire(client_of("bob"))["reason"] == "closed"
    Project.objects.update(is_open=True)
    Membership.objects.filter(user=people["bob"]).delete()
    assert client_of("bob").post(address).status_code == 404

    assert not Slot.objects.filter(state="leased").exists()


def test_who_loses_a_race_while_signing_in_gets_work_all_the_same(
    project: Project, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(statement: str, values: Any) -> None:
        raise IntegrityError("slot_once_a_task_and_annotator")

    monkeypatch.setattr(authentication, "write_row", lose)

    assert acquire(client_of("bob"))["task"] is not None


def test_submit_stores_the_keys_behind_the_letters(project: Project, client_of: ClientOf) -> None:
    client = client_of("bob")
    work = acquire(client)

    response = submit(client, work, scores={"helpfulness": {"A": 5}}, tiers=[["A"], ["B", "C"]])

    assert response.status_code == 201, response.content
    judgment = Judgment.objects.get(pk=response.json()["id"])
    first, second, third = judgment.shown_order
    assert judgment.tiers == [[first], [key for key in SOURCES if key in (second, third)]]
    assert judgment.scores == {"helpfulness": {first: 5}}
    shown = {response["letter"]: response["text"] for response in work["task"]["responses"]}
    texts = dict(judgment.task.prompt.responses.values_list("key", "text"))
    assert [shown[letter] for letter in "ABC"] == [texts[key] for key in judgment.shown_order]


def test_no_work_says_why(project: Project, client_of: ClientOf) -> None:
    client = client_of("bob")
    for number in range(3):
        assert submit(client, acquire(client), key=f"key-{number}").status_code == 201

    assert acquire(client) == {"task": None, "reason": "you_did_all", "until": None}
