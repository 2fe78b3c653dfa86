"""What no honest client sends: control characters, numbers past every column, deep nesting, forged cursors."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from annotation.models import Project
from tests.annotation.api.conftest import ClientOf, acquire, submit

HUGE = 10**30


def deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


def refused(response: Any) -> bool:
    """A clear no in our one shape, not a failure of ours."""
    assert response.status_code < 500, response.content
    return response.status_code >= 400 and set(response.json()) == {"code", "message", "extra"}


@pytest.mark.parametrize(
    "answer", [{"rationale": "a\x00b"}, {"a\x00": 1}, {"tiers": [["A\x00"]]}, deep(100), deep(400)]
)
def test_drafts_hold_only_what_can_be_stored(project: Project, client_of: ClientOf, answer: dict[str, Any]) -> None:
    bob = client_of("bob")
    lease = acquire(bob)["lease"]["token"]

    assert refused(bob.put(f"/api/v1/leases/{lease}/draft", {"answer": answer, "version": 0}))


@pytest.mark.parametrize("answer", [{"rationale": "a\x00b", "tiers": [["A"], ["B", "C"]]}, deep(200)])
def test_answers_hold_only_what_can_be_stored(project: Project, client_of: ClientOf, answer: dict[str, Any]) -> None:
    bob = client_of("bob")

    assert refused(submit(bob, acquire(bob), **answer))


@pytest.mark.parametrize(
    "query",
    [
        "origin=%00",
        "state=zzz",
        "state=%00",
        "cursor=%00",
        "cursor=cD1hYmM%3D",
        "cursor=cD0xMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw",
        "cursor=cD0lMDA%3D",
        "page%00=1",
    ],
)
def test_odd_queries_are_refused_by_name(project: Project, client_of: ClientOf, query: str) -> None:
    assert refused(client_of("alice").get(f"/api/v1/projects/cooking/tasks?{query}"))


@pytest.mark.parametrize("size", ["abc", "-1", "0", str(HUGE)])
def test_odd_page_sizes_are_as_good_as_none(project: Project, client_of: ClientOf, size: str) -> None:
    response = client_of("alice").get(f"/api/v1/projects/cooking/tasks?page_size={size}")

    assert response.status_code == 200


@pytest.mark.parametrize(
    "path", ["", "/", "nowhere", "projects/cooking/nowhere", "projects/", "runs/0", f"runs/{HUGE}"]
)
def test_an_unknown_address_answers_in_json(project: Project, client_of: ClientOf, path: str) -> None:
    for client in (client_of("alice"), APIClient()):
        response = client.get(f"/api/v1/{path}")

        assert (response.status_code, response["Content-Type"]) == (404, "application/json")
        assert response.json()["code"] == "not_found"


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "fetch", "config": {"a\x00": "b"}},
        {"kind": "fetch", "config": deep(300)},
        {"kind": "reward", "snapshot_id": HUGE},
        {"kind": "grpo", "overrides": ["a\x00=1"]},
    ],
)
def test_runs_take_no_odd_values(project: Project, client_of: ClientOf, body: dict[str, Any]) -> None:
    assert refused(client_of("alice").post("/api/v1/projects/cooking/runs", body))


@pytest.mark.parametrize("body", [{"reward_config": {"a": "\x00"}}, {"policy_config": deep(600)}])
def test_standing_orders_take_no_odd_values(project: Project, client_of: ClientOf, body: dict[str, Any]) -> None:
    assert refused(client_of("alice").patch("/api/v1/projects/cooking/loop", body))


def test_a_deep_item_of_an_import_is_a_fault_of_its_line(project: Project, client_of: ClientOf) -> None:
    response = client_of("alice").post("/api/v1/projects/cooking/tasks/import", [deep(300)])

    assert refused(response)
    assert "deep" in response.json()["message"]


def test_nul_in_an_import_names_line_and_field(project: Project, client_of: ClientOf) -> None:
    item = {
        "external_id": "n-1",
        "kind": "ranking",
        "prompt": [{"role": "user", "content": "a\x00b"}],
        "responses": [{"id": "a", "text": "\x00"}, {"id": "b", "text": ""}],
    }
    response = client_of("alice").post("/api/v1/projects/cooking/tasks/import", [item])

    assert refused(response)
    assert [fault["field"] for fault in response.json()["extra"]["faults"]] == [
        "responses[0].text",
        "prompt[0].content",
    ]
