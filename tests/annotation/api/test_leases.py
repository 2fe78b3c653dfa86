from datetime import datetime

import pytest

from annotation.models import Project, Skip, Slot
from tests.annotation.api.conftest import ClientOf, acquire, submit

SOME_UUID = "7b0a2c70-1d1c-4c55-9f3f-3b1f0a5f4f10"


def lease_url(work: dict, action: str) -> str:
    return f"/api/v1/leases/{work['lease']['token']}/{action}"


def test_heartbeat_moves_the_end_on(project: Project, client_of: ClientOf) -> None:
    client = client_of("bob")
    work = acquire(client)

    response = client.post(lease_url(work, "heartbeat"))

    assert response.status_code == 200
    later, before = response.json()["expires_at"], work["lease"]["expires_at"]
    assert datetime.fromisoformat(later) > datetime.fromisoformat(before)


def test_released_task_is_free_for_others(project: Project, client_of: ClientOf) -> None:
    client = client_of("bob")
    work = acquire(client)

    assert client.post(lease_url(work, "release")).status_code == 204

    assert Slot.objects.filter(state="leased").count() == 0
    assert client.post(lease_url(work, "heartbeat")).json()["code"] == "lease_lost"


def test_skipped_task_does_not_come_back(project: Project, client_of: ClientOf) -> None:
    client = client_of("bob")
    work = acquire(client)

    assert client.post(lease_url(work, "skip"), {"reason": "not my field"}).status_code == 204

    assert Skip.objects.get().reason == "not my field"
    assert acquire(client)["task"]["id"] != work["task"]["id"]


def test_draft_comes_back_with_the_task(project: Project, client_of: ClientOf) -> None:
    client = client_of("bob")
    work = acquire(client)
    unfinished = {"tiers": [["B"]], "unranked": ["A", "C"], "rationale": "so far"}

    response = client.put(lease_url(work, "draft"), {"answer": unfinished, "version": 0})

    assert response.status_code == 200, response.content
    assert acquire(client)["draft"] == {"answer": unfinished, "version": response.json()["version"]}


def test_older_draft_does_not_overwrite_a_newer_one(project: Project, client_of: ClientOf) -> None:
    client = client_of("bob")
    url = lease_url(acquire(client), "draft")
    client.put(url, {"answer": {"tiers": [["A"]]}, "version": 0})

    response = client.put(url, {"answer": {"tiers": [["B"]]}, "version": 0})

    assert response.status_code == 409
    assert response.json()["code"] == "draft_is_newer"
    assert response.json()["extra"]["answer"] == {"tiers": [["A"]]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"version": 0}, "answer"),
        ({"answer": {}, "version": -1}, "version"),
        ({"answer": [], "version": 0}, "answer"),
        ({"answer": {}, "version": 0, "verison": 1}, "verison"),
    ],
)
def test_bad_draft_names_the_field(project: Project, client_of: ClientOf, body: dict, field: str) -> None:
    client = client_of("bob")

    response = client.put(lease_url(acquire(client), "draft"), body)

    assert response.status_code == 400
    assert [fault["field"] for fault in response.json()["extra"]["faults"]] == [field]


@pytest.mark.parametrize("action", ["heartbeat", "release", "skip"])
def test_lease_of_another_person_is_out_of_reach(project: Project, client_of: ClientOf, action: str) -> None:
    work = acquire(client_of("bob"))

    response = client_of("carol").post(lease_url(work, action), {})

    assert (response.status_code, response.json()["code"]) == (409, "lease_lost")
    assert Slot.objects.filter(state="leased").count() == 1


def test_draft_on_another_persons_lease_is_refused(project: Project, client_of: ClientOf) -> None:
    work = acquire(client_of("bob"))

    response = client_of("carol").put(lease_url(work, "draft"), {"answer": {}, "version": 0})

    assert (response.status_code, response.json()["code"]) == (409, "lease_lost")


@pytest.mark.parametrize("token", ["nonsense", "1", f"99999999.{SOME_UUID}", "1.not-a-uuid", f"-1.{SOME_UUID}"])
def test_what_is_no_token_has_no_address(project: Project, client_of: ClientOf, token: str) -> None:
    assert client_of("bob").post(f"/api/v1/leases/{token}/heartbeat").status_code == 404


def test_release_after_submit_says_the_lease_is_over(project: Project, client_of: ClientOf) -> None:
    client = client_of("bob")
    work = acquire(client)
    submit(client, work)

    assert client.post(lease_url(work, "release")).json()["code"] == "lease_lost"
    assert Slot.objects.filter(state="submitted").count() == 1
