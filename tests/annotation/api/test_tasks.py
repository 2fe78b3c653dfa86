from typing import Any

import pytest

from annotation.models import Project
from tests.annotation.api.conftest import ClientOf

TASKS = "/api/v1/projects/cooking/tasks"
CHANGE = f"{TASKS}/change"


def test_tasks_are_filtered_like_the_page(project: Project, client_of: ClientOf) -> None:
    rita = client_of("rita")
    assert len(rita.get(TASKS, {"state": "waiting", "tag": "secret-tag"}).json()["results"]) == 3
    assert rita.get(TASKS, {"flagged": "yes"}).json()["results"] == []
    refused = rita.get(TASKS, {"skipped": "many"})
    assert (refused.status_code, refused.json()["extra"]["field"]) == (400, "skipped")
    assert rita.get(TASKS, {"annotator__password": "x"}).status_code == 400


def test_many_tasks_are_changed_by_filter_and_by_id(project: Project, client_of: ClientOf) -> None:
    alice = client_of("alice")
    body: dict[str, Any] = {"action": "prioritize", "filters": {"tag": "secret-tag"}, "arguments": {"priority": 4}}
    assert alice.post(CHANGE, body).json() == {"tasks": 3}
    assert alice.post(CHANGE, {**body, "expected": 2}).json()["code"] == "other_count"
    first = project.tasks.order_by("pk").first()
    assert first is not None
    body = {"action": "tag", "ids": [first.pk], "arguments": {"tag": "law"}, "expected": 1}
    assert [alice.post(CHANGE, body).json() for _ in range(2)] == [{"tasks": 1}] * 2
    first.prompt.refresh_from_db()
    assert (first.prompt.tags, set(project.tasks.values_list("priority", flat=True))) == (["secret-tag", "law"], {4.0})


@pytest.mark.parametrize(
    "body",
    [
        {"action": "tag"}, {"action": "tag", "ids": [1], "filters": {}}, {"action": "burn", "filters": {}},
        {"action": "tag", "filters": {}}, {"action": "tag", "filters": {}, "arguments": {"tag": 3}},
        {"action": "end_leases", "filters": {}, "arguments": {"actor": 1}},
        {"action": "prioritize", "filters": {}, "arguments": {"priority": True}},
        {"action": "pause", "filters": {"state": "x"}}, {"action": "set_state", "filters": {"x": 1}},
    ],
)  # fmt: skip
def test_bad_bodies_are_refused(body: dict[str, Any], project: Project, client_of: ClientOf) -> None:
    response = client_of("alice").post(CHANGE, body)
    assert response.status_code == 400
    assert response.json()["message"]
