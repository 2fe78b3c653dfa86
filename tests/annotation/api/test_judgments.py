from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from annotation.allocation import shown_order
from annotation.models import Judgment, KeptAnswer, Preference, Project, Slot, User
from annotation.services.judgments import accept_kept_answer
from tests.annotation.api.conftest import SOURCES, ClientOf, acquire, submit

RANKING = {"tiers": [["A"], ["B", "C"]], "active_ms": 900}


def test_replay_gives_the_same_judgment(project: Project, client_of: ClientOf) -> None:
    client = client_of("bob")
    work = acquire(client)

    first, second = submit(client, work), submit(client, work)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert Judgment.objects.count() == 1
    assert Preference.objects.count() == 2


def test_same_key_for_another_answer_is_refused(project: Project, client_of: ClientOf) -> None:
    client = client_of("bob")
    work = acquire(client)
    submit(client, work)

    response = submit(client, work, tiers=[["C"], ["A", "B"]])

    assert (response.status_code, response.json()["code"]) == (409, "idempotency_key_reused")


def test_stale_token_is_refused_and_the_answer_kept(
    project: Project, client_of: ClientOf, people: dict[str, User]
) -> None:
    client = client_of("bob")
    work = acquire(client)
    order = [row["text"] for row in work["task"]["responses"]]
    Slot.objects.filter(annotator=people["bob"]).update(annotator=people["carol"], lease_token=uuid4())

    response = submit(client, work)

    assert (response.status_code, response.json()["code"]) == (409, "lease_lost")
    kept = KeptAnswer.objects.get(pk=response.json()["extra"]["kept_answer"])
    texts = dict(kept.task.prompt.responses.values_list("text", "key"))
    assert kept.answer["tiers"][0] == [texts[order[0]]], "letters are read in the order that was shown"
    assert Judgment.objects.count() == 0


def test_expired_lease_that_nobody_took_still_counts(project: Project, client_of: ClientOf) -> None:
    client = client_of("bob")
    work = acquire(client)
    Slot.objects.filter(state="leased").update(lease_expires_at="2020-01-01T00:00:00Z")

    assert submit(client, work).status_code == 201


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({"tiers": [["A"], ["B"]]}, "tiers"),
        ({"tiers": [["A"], ["B"], ["D"]]}, "tiers"),
        ({"tiers": [["A"], ["A", "B", "C"]]}, "tiers"),
        ({"tiers": "A"}, "tiers"),
        ({**RANKING, "scores": {"helpfulness": {"A": 9}}}, "scores.helpfulness.A"),
        ({**RANKING, "scores": {"kindness": {"A": 1}}}, "scores.kindness"),
        ({**RANKING, "confidence": 6}, "confidence"),
        ({**RANKING, "active_ms": -1}, "active_ms"),
        ({**RANKING, "rational": "typo"}, "rational"),
        ({"tiers": [[SOURCES[0]], [SOURCES[1], SOURCES[2]]]}, "tiers"),
    ],
)
def test_bad_answer_names_the_field_and_speaks_of_letters(
    project: Project, client_of: ClientOf, answer: dict[str, Any], field: str
) -> None:
    client = client_of("bob")

    response = submit(client, acquire(client), **answer)

    assert (response.status_code, response.json()["code"]) == (422, "invalid_answer"), response.content
    fields = [fault["field"] for fault in response.json()["extra"]["faults"]]
    assert any(name.startswith(field) for name in fields), fields
    if SOURCES[0] not in str(answer):
        assert not any(source in response.text for source in SOURCES)
    assert Judgment.objects.count() == 0


@pytest.mark.parametrize(("key", "code"), [("", "missing"), ("x" * 101, "invalid"), ("zwölf", "invalid")])
def test_submit_needs_a_usable_idempotency_key(project: Project, client_of: ClientOf, key: str, code: str) -> None:
    client = client_of("bob")

    response = submit(client, acquire(client), key=key)

    assert (response.status_code, response.json()["code"]) == (400, f"idempotency_key_{code}")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"answer": RANKING}, "lease_token"),
        ({"answer": RANKING, "lease_token": str(uuid4())}, "lease_token"),
        ({"answer": RANKING, "lease_token": "1.x"}, "lease_token"),
        ({"lease_token": f"1.{uuid4()}"}, "answer"),
        ({"lease_token": f"1.{uuid4()}", "answer": RANKING, "annotator": 1}, "annotator"),
    ],
)
def test_bad_submit_names_the_field(project: Project, client_of: ClientOf, body: dict[str, Any], field: str) -> None:
    task = project.tasks.get(external_id="secret-id-0")

    response = client_of("bob").post(f"/api/v1/tasks/{task.pk}/judgments", body, headers={"Idempotency-Key": "k"})

    assert response.status_code == 400, response.content
    assert [fault["field"] for fault in response.json()["extra"]["faults"]] == [field]


def test_amend_writes_a_new_revision(project: Project, client_of: ClientOf) -> None:
    client = client_of("bob")
    first = submit(client, acquire(client)).json()
    url = f"/api/v1/judgments/{first['id']}/amend"
    better = {"answer": {"tiers": [["C"], ["A"], ["B"]]}, "reason": "misread"}

    amended = client.post(url, better, headers={"Idempotency-Key": "amend-1"})
    again = client.post(url, better, headers={"Idempotency-Key": "amend-1"})

    assert amended.status_code == 200, amended.content
    assert amended.json()["revision"] == 2
    assert again.json() == amended.json()
    mine = client.get("/api/v1/judgments").json()["results"]
    assert [(row["id"], row["answer"]["tiers"]) for row in mine] == [(amended.json()["id"], [["C"], ["A"], ["B"]])]


def test_own_judgment_comes_with_the_task_as_it_was_shown(project: Project, client_of: ClientOf) -> None:
    client = client_of("bob")
    work = acquire(client)
    made = submit(client, work).json()

    shown = client.get(f"/api/v1/judgments/{made['id']}").json()

    assert shown["task"]["responses"] == work["task"]["responses"]
    assert shown["judgment"]["answer"]["tiers"] == RANKING["tiers"]


def test_judgments_of_others_do_not_exist(project: Project, client_of: ClientOf) -> None:
    bob, carol = client_of("bob"), client_of("carol")
    made = submit(bob, acquire(bob)).json()

    assert carol.get(f"/api/v1/judgments/{made['id']}").status_code == 404
    assert carol.get("/api/v1/judgments").json()["results"] == []
    amend = carol.post(f"/api/v1/judgments/{made['id']}/amend", {"answer": RANKING}, headers={"Idempotency-Key": "k"})
    assert amend.status_code == 404


def test_list_of_judgments_takes_the_same_queries_for_any_number(
    project: Project, client_of: ClientOf, django_assert_num_queries: Any
) -> None:
    client = client_of("bob")
    for number in range(3):
        submit(client, acquire(client), key=f"key-{number}")

    with django_assert_num_queries(2):
        assert len(client.get("/api/v1/judgments").json()["results"]) == 3


def test_a_kept_answer_remembers_the_order_that_was_shown(
    project: Project, people: dict[str, User], client_of: ClientOf
) -> None:
    bob, carol = client_of("bob"), client_of("carol")
    work = acquire(bob)
    slot = Slot.objects.get(annotator=people["bob"], state="leased")
    # Everybody else's slot of the task is gone, so that carol gets this one once its lease has run out.
    Slot.objects.exclude(pk=slot.pk).update(state="released")
    Slot.objects.filter(pk=slot.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert acquire(carol)["task"]["id"] == work["task"]["id"]

    late = submit(bob, work)

    assert (late.status_code, late.json()["code"]) == (409, "lease_lost")
    kept = KeptAnswer.objects.get(pk=late.json()["extra"]["kept_answer"])
    assert kept.shown_order == shown_order(list(SOURCES), task_id=kept.task_id, slot_number=slot.number)
    best, *tied = kept.shown_order
    assert [sorted(tier) for tier in kept.answer["tiers"]] == [[best], sorted(tied)]
    judgment = accept_kept_answer(manager=people["alice"], kept_answer_id=kept.pk)
    assert judgment.shown_order == kept.shown_order


def test_next_task_comes_with_the_acknowledgement(project: Project, client_of: ClientOf) -> None:
    bob = client_of("bob")
    work = acquire(bob)
    body = {"lease_token": work["lease"]["token"], "answer": {"tiers": [["A"], ["B", "C"]]}, "next": True}
    path = f"/api/v1/tasks/{work['task']['id']}/judgments"
    first, again = (bob.post(path, body, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["next"]["task"]["id"] != work["task"]["id"]
    # Sent again, it leases no second task; and acquire gives the very same one.
    assert again.json()["next"]["lease"]["token"] == first.json()["next"]["lease"]["token"]
    assert acquire(bob)["lease"]["token"] == first.json()["next"]["lease"]["token"]
    assert Slot.objects.filter(state="leased").count() == 1


def test_an_answer_counts_though_no_next_task_can_be_had(project: Project, client_of: ClientOf) -> None:
    bob = client_of("bob")
    work = acquire(bob)
    Project.objects.filter(pk=project.pk).update(is_open=False)
    body = {"lease_token": work["lease"]["token"], "answer": {"tiers": [["A"], ["B", "C"]]}, "next": True}
    saved = bob.post(f"/api/v1/tasks/{work['task']['id']}/judgments", body, headers={"Idempotency-Key": "k"})
    assert saved.status_code == 201
    assert saved.json()["next"]["reason"] == "closed"
