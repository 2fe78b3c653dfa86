"""What managers script besides work: skills, scales, flags, pauses and known answers."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from annotation.models import Flag, Pause, Project, Task, User
from annotation.services.pauses import pause_person
from tests.annotation.api.conftest import GOLD_MARK, SOURCES, ClientOf, acquire, submit

HOME = "/api/v1/projects/cooking"


@pytest.fixture
def alice(project: Project, client_of: ClientOf) -> APIClient:
    return client_of("alice")


def test_a_skill_is_added_given_to_somebody_and_taken_out(
    alice: APIClient, people: dict[str, User], django_assert_max_num_queries: Any
) -> None:
    made = alice.post(f"{HOME}/skills", {"name": "pastry", "description": "Doughs."})
    assert (made.status_code, made.json()["label"]) == (201, "Pastry")
    again = alice.post(f"{HOME}/skills", {"name": "pastry"})
    assert (again.status_code, again.json()["code"]) == (409, "skill_exists")
    place = f"{HOME}/skills/pastry/people"
    for _ in range(2):
        given = alice.put(f"{place}/{people['bob'].pk}", {"level": 3})
        assert (given.status_code, given.json()["level"], given.json()["username"]) == (200, 3, "bob")
    with django_assert_max_num_queries(12):
        assert [row["username"] for row in alice.get(place).json()["results"]] == ["bob"]
    assert alice.get(f"{HOME}/skills").json()["results"][0]["people"] == 1
    Task.objects.filter(external_id="secret-id-0").update(skill_id=made.json()["id"])
    refused = alice.delete(f"{HOME}/skills/pastry")
    assert (refused.status_code, refused.json()["extra"]) == (409, {"tasks": 1})
    Task.objects.update(skill=None)
    assert alice.delete(f"{place}/{people['bob'].pk}").status_code == 204
    assert alice.delete(f"{place}/{people['bob'].pk}").status_code == 404
    assert alice.delete(f"{HOME}/skills/pastry").status_code == 204
    assert alice.get(place).status_code == 404


@pytest.mark.parametrize("level", [0, 6, "high", None, 2.5])
def test_a_level_is_a_whole_number_in_range(alice: APIClient, people: dict[str, User], level: Any) -> None:
    alice.post(f"{HOME}/skills", {"name": "pastry"})
    refused = alice.put(f"{HOME}/skills/pastry/people/{people['bob'].pk}", {"level": level})
    assert refused.status_code == 400
    assert refused.json()["extra"]["faults"][0]["field"] == "level"


def test_who_is_no_member_has_no_skill_here(alice: APIClient, people: dict[str, User]) -> None:
    alice.post(f"{HOME}/skills", {"name": "pastry"})
    for user_id in (people["oscar"].pk, 10**9):
        refused = alice.put(f"{HOME}/skills/pastry/people/{user_id}", {"level": 1})
        assert (refused.status_code, refused.json()["message"]) == (
            404, f"The project has no member with the id {user_id}.",
        )  # fmt: skip
    assert alice.post(f"{HOME}/skills", {"name": "two words"}).status_code == 400
    assert alice.post(f"{HOME}/skills", {"name": "x", "level": 1}).status_code == 400


def test_a_scale_changes_its_words_and_keeps_its_numbers_once_used(alice: APIClient, client_of: ClientOf) -> None:
    made = alice.post(f"{HOME}/criteria", {"name": "tone", "maximum": 3, "anchors": {"1": "rude", "3": "kind"}})
    assert (made.status_code, made.json()["position"]) == (201, 1)
    assert alice.post(f"{HOME}/criteria", {"name": "tone"}).json()["code"] == "criterion_exists"
    place = f"{HOME}/criteria/{made.json()['id']}"
    for _ in range(2):
        changed = alice.patch(place, {"maximum": 5, "label": "Tone of voice"})
        assert (changed.status_code, changed.json()["maximum"]) == (200, 5)
    bob = client_of("bob")
    scored = submit(bob, acquire(bob), tiers=[["A"], ["B", "C"]], scores={"tone": {"A": 2, "B": 1, "C": 3}})
    assert scored.status_code == 201, scored.content
    assert alice.patch(place, {"label": "Tone"}).status_code == 200
    for method, body in ((alice.patch, {"maximum": 7}), (alice.delete, {})):
        refused = method(place, body)
        assert (refused.status_code, refused.json()["code"]) == (409, "criterion_used")
    listed = alice.get(f"{HOME}/criteria").json()["results"]
    assert [(row["name"], row["maximum"]) for row in listed] == [("helpfulness", 5), ("tone", 5)]
    assert alice.delete(f"{HOME}/criteria/{listed[0]['id']}").status_code == 204
    assert alice.delete(f"{HOME}/criteria/{listed[0]['id']}").status_code == 404


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"minimum": 9}, "maximum"), ({"step": -1}, "step"), ({"name": "a b"}, "name"), ({"colour": "red"}, "colour")],
)
def test_a_scale_that_cannot_be_is_refused_by_field(alice: APIClient, changes: dict[str, Any], field: str) -> None:
    criterion = alice.get(f"{HOME}/criteria").json()["results"][0]["id"]
    refused = alice.patch(f"{HOME}/criteria/{criterion}", changes)
    assert refused.status_code == 400
    assert field in str(refused.json())


def test_a_flag_is_seen_and_settled_once(alice: APIClient, client_of: ClientOf, people: dict[str, User]) -> None:
    bob = client_of("bob")
    task = acquire(bob)["task"]["id"]
    bob.post(f"/api/v1/tasks/{task}/flag", {"reason": "No question in it."})
    (flag,) = alice.get(f"{HOME}/flags").json()["results"]
    assert (flag["task_id"], flag["reason"], flag["resolved_at"]) == (task, "No question in it.", None)
    assert flag["pseudonym"] == people["bob"].pseudonym and "bob" not in str(flag)
    first, second = (alice.post(f"{HOME}/flags/{flag['id']}/resolve").json() for _ in range(2))
    assert first == second and first["resolved_at"] is not None
    assert alice.post(f"{HOME}/flags/{flag['id'] + 1}/resolve").status_code == 404


def test_a_flag_of_another_project_is_none_here(alice: APIClient, elsewhere: Project, people: dict[str, User]) -> None:
    theirs = Flag.objects.create(task=Task.objects.get(project=elsewhere), annotator=people["oscar"], reason="x")
    assert alice.post(f"{HOME}/flags/{theirs.pk}/resolve").status_code == 404


def test_a_pause_is_decided_once_and_the_same_again_changes_nothing(
    alice: APIClient, project: Project, people: dict[str, User], client_of: ClientOf
) -> None:
    pause = Pause.objects.create(project=project, person=people["bob"], sentences=["Too fast."])
    place = f"{HOME}/pauses/{pause.pk}/decide"
    first = alice.post(place, {"decision": "accept", "note": "Take your time."})
    assert (first.status_code, first.json()["state"], first.json()["decided_by"]) == (200, "accepted", "alice")
    assert alice.post(place, {"decision": "accept"}).json() == first.json()
    other = alice.post(place, {"decision": "dismiss"})
    assert (other.status_code, other.json()["code"], other.json()["extra"]) == (
        409, "already_decided", {"state": "accepted"},
    )  # fmt: skip
    assert client_of("bob").post(f"{HOME}/acquire").json()["reason"] == "paused"
    for _ in range(2):
        assert alice.post(place, {"decision": "lift"}).json()["state"] == "lifted"
    assert client_of("bob").post(f"{HOME}/acquire").status_code == 200
    assert [row["state"] for row in alice.get(f"{HOME}/pauses").json()["results"]] == ["lifted"]


def test_a_manager_pauses_somebody_without_a_proposal(alice: APIClient, people: dict[str, User]) -> None:
    made = alice.post(f"{HOME}/pauses", {"user_id": people["carol"].pk, "note": "Until Monday."})
    assert (made.status_code, made.json()["state"]) == (201, "accepted")
    assert alice.post(f"{HOME}/pauses", {"user_id": people["carol"].pk}).json()["code"] == "already_paused"
    assert alice.post(f"{HOME}/pauses", {"user_id": people["oscar"].pk}).status_code == 404
    for bad in ({}, {"user_id": "carol"}, {"user_id": people["bob"].pk, "note": "x" * 501}, {"user_id": 1, "why": ""}):
        assert alice.post(f"{HOME}/pauses", bad).status_code == 400


def test_a_pause_of_another_project_is_none_here(alice: APIClient, elsewhere: Project, people: dict[str, User]) -> None:
    theirs = pause_person(project=elsewhere, person=people["oscar"], actor=people["root"])
    assert alice.post(f"{HOME}/pauses/{theirs.pk}/decide", {"decision": "lift"}).status_code == 404
    assert alice.post(f"{HOME}/pauses/{theirs.pk}/decide", {"decision": "forgive"}).status_code == 400


def test_a_task_becomes_gold_and_a_normal_one_again(alice: APIClient, client_of: ClientOf) -> None:
    task = Task.objects.get(external_id="secret-id-1")
    place = f"/api/v1/tasks/{task.pk}/known-answer"
    answer = {"tiers": [[SOURCES[1]], [SOURCES[0], SOURCES[2]]]}
    for _ in range(2):
        done = alice.put(place, {"purpose": "gold", "answer": answer, "explanation": "It **boils**."})
        assert (done.status_code, done.json()["purpose"]) == (200, "gold")
        assert done.json()["answer"]["tiers"] == answer["tiers"]
        assert done.json()["answer"]["rationale"] == "It **boils**."
    assert alice.get(f"{HOME}/known-answers").json()["results"] == [done.json()]
    kept = alice.put(place, {"purpose": "practice"})
    assert kept.json()["answer"] == done.json()["answer"]
    assert alice.get(place).json() == kept.json()
    for _ in range(2):
        assert alice.delete(place).json() == {
            "task_id": task.pk, "external_id": "secret-id-1", "purpose": "normal", "answer": None,
        }  # fmt: skip
    nothing = alice.put(place, {"purpose": "gold"})
    assert (nothing.status_code, nothing.json()["extra"]) == (400, {"field": "answer"})
    wrong = alice.put(place, {"purpose": "gold", "answer": {"tiers": [["nobody"]]}})
    assert wrong.status_code == 422 and "nobody" in str(wrong.json())


def test_no_known_answer_reaches_who_judges(project: Project, client_of: ClientOf) -> None:
    task = Task.objects.get(external_id="secret-id-0")
    for name in ("bob", "rita"):
        refused = client_of(name).get(f"/api/v1/tasks/{task.pk}/known-answer")
        assert refused.status_code == 403 and GOLD_MARK not in refused.content.decode()
