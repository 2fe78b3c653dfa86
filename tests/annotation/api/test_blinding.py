"""No JSON that an annotator can get tells who wrote a response, what is right, or what others said."""

from collections.abc import Iterator
from typing import Any

import pytest

from annotation.models import Project, User
from tests.annotation.api.conftest import GOLD_MARK, SOURCES, ClientOf, acquire, submit
from tests.annotation.api.test_roles import MATRIX

FORBIDDEN_KEYS = {
    "source", "key", "keys", "gold", "external_id", "tags", "metadata", "sampling", "origin", "priority", "annotator",
    "email", "password", "digest", "hard_tasks", "people",
}  # fmt: skip
RATIONALE_OF_CAROL = "what carol thinks of it"


def keys_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from keys_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_in(inner)


@pytest.fixture
def seen_by_bob(project: Project, client_of: ClientOf) -> list[Any]:
    """Every answer that bob gets on his way through all that an annotator may do, faults included."""
    bob, carol = client_of("bob"), client_of("carol")
    for number in range(3):
        submit(carol, acquire(carol), key=f"carol-{number}", rationale=RATIONALE_OF_CAROL, tiers=[["A"], ["B", "C"]])
    work = acquire(bob)
    lease, task = work["lease"]["token"], work["task"]["id"]
    draft = {"answer": {"tiers": [["C"]], "scores": {"helpfulness": {"B": 1}}}, "version": 0}
    seen: list[Any] = [
        work,
        bob.put(f"/api/v1/leases/{lease}/draft", draft).json(),
        acquire(bob),
        bob.put(f"/api/v1/leases/{lease}/draft", {**draft, "answer": {}}).json(),
        bob.post(f"/api/v1/leases/{lease}/heartbeat").json(),
        bob.post(f"/api/v1/tasks/{task}/flag", {"reason": "odd"}).json(),
        submit(bob, work, tiers=[["A"]]).json(),
        submit(bob, work, tiers=[["A"], ["B", "C"]], scores={"helpfulness": {"A": 77}}).json(),
        submit(bob, work, tiers=[[1], {"A": 2}, None]).json(),
    ]
    made = submit(bob, work)
    assert made.status_code == 201
    judgment = made.json()["id"]
    amend = {"answer": {"tiers": [["B"], ["A"]]}}
    seen += [
        submit(bob, work, tiers=[["B"], ["A", "C"]]).json(),
        submit(bob, work, key="second", tiers=[["B"], ["A", "C"]]).json(),
        bob.get("/api/v1/judgments").json(),
        bob.get(f"/api/v1/judgments/{judgment}").json(),
        bob.post(f"/api/v1/judgments/{judgment}/amend", amend, headers={"Idempotency-Key": "a"}).json(),
    ]
    for path in (
        "me",
        "me/shortcuts",
        "projects",
        "projects/cooking",
        *(f"projects/cooking/{end}" for end in ("tasks", "agreement")),
    ):
        seen.append(bob.get(f"/api/v1/{path}").json())
    return seen


def test_no_forbidden_key_reaches_an_annotator(seen_by_bob: list[Any]) -> None:
    assert FORBIDDEN_KEYS.isdisjoint(keys_in(seen_by_bob))


def test_no_forbidden_word_reaches_an_annotator(seen_by_bob: list[Any], people: dict[str, User]) -> None:
    text = str(seen_by_bob)
    words = [*SOURCES, GOLD_MARK, RATIONALE_OF_CAROL, "secret-tag", "secret-id", people["carol"].pseudonym, "carol"]

    assert [word for word in words if word in text] == []


def test_the_crawl_visits_every_address_an_annotator_may_use() -> None:
    open_to_annotators = {name for name, rows in MATRIX.items() for row in rows.values() if row.statuses[2] < 400}

    assert open_to_annotators == {
        "api-token", "api-current-token", "api-me", "api-shortcuts", "api-projects", "api-project", "api-acquire",
        "api-heartbeat", "api-release", "api-skip", "api-draft", "api-submit", "api-flag", "api-judgments",
        "api-judgment", "api-amend",
    }, "visit the new address in seen_by_bob, then add it here"  # fmt: skip
