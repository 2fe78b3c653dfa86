"""Every address of the API times every method times every kind of person, generated from the map of addresses."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core.cache import cache
from django.db import transaction
from django.urls import URLPattern
from rest_framework.test import APIClient

from annotation.api.urls import urlpatterns
from annotation.models import Flag, Pause, Project, Slot, User
from annotation.services.import_uploads import upload_import
from annotation.services.invitations import make_invitation
from annotation.services.skills import add_skill, set_person_skill
from tests.annotation.api.conftest import ClientOf, acquire, submit

PEOPLE = ("nobody", "oscar", "bob", "rita", "alice", "root")
"""Anonymous, another tenant's manager, annotator, reviewer, manager, superuser."""
METHODS = ("get", "post", "put", "patch", "delete")
ANY = (401, 200, 200, 200, 200, 200)


class Row(NamedTuple):
    """Statuses in the order of PEOPLE. `bob` holds the lease and wrote the judgment that the addresses name."""

    statuses: tuple[int, int, int, int, int, int]
    body: Any = None


RANKING = {"tiers": [["A"], ["B", "C"]]}
LEASE_OF_BOB = (401, 409, 200, 409, 409, 409)
MINE_ONLY = (401, 404, 200, 404, 404, 404)
MEMBERS = (401, 404, 200, 200, 200, 200)
REVIEWERS = (401, 404, 403, 200, 200, 200)
MANAGERS = (401, 404, 403, 403, 200, 200)
NEW_PROJECT = {"name": "New", "slug": "new", "kind": "scalar"}
VERDICT = {"outcome": "unusable", "reason": "Two questions in one.", "based_on": []}
PAUSE: dict[str, Any] = {"note": "Have a rest."}
SIGN_IN = {"username": "bob", "password": "bob-password-1", "name": "x"}

MATRIX: dict[str, dict[str, Row]] = {
    "api-token": {"post": Row((201,) * 6, SIGN_IN)},
    "api-current-token": {"delete": Row((401, 204, 204, 204, 204, 204))},
    "api-me": {"get": Row(ANY)},
    "api-shortcuts": {"get": Row(ANY), "put": Row(ANY, {"shortcuts": {}})},
    "api-projects": {"get": Row(ANY), "post": Row((401, 201, 403, 403, 201, 201), NEW_PROJECT)},
    "api-project": {"get": Row(MEMBERS), "patch": Row(MANAGERS, {"name": "Renamed"})},
    "api-tasks": {"get": Row(REVIEWERS)},
    "api-change-tasks": {"post": Row(MANAGERS, {"action": "set_state", "filters": {}, "arguments": {"state": "open"}})},
    "api-import": {"post": Row(MANAGERS, [])},
    "api-imports": {"get": Row(MANAGERS), "post": Row((401, 404, 403, 403, 201, 201), {"a": 1})},
    "api-import-job": {"get": Row(MANAGERS)},
    "api-start-import": {"post": Row((401, 404, 403, 403, 202, 202), {})},
    "api-cancel-import": {"post": Row((401, 404, 403, 403, 202, 202))},
    "api-import-errors": {"get": Row(MANAGERS)},
    "api-board": {"get": Row(REVIEWERS)},
    "api-verdicts": {"get": Row(REVIEWERS)},
    "api-verdict": {"post": Row((401, 404, 403, 200, 200, 200), VERDICT)},
    "api-guideline-versions": {
        "get": Row(REVIEWERS),
        "post": Row(MANAGERS, {"text": "New.", "version": 1}),
    },
    "api-invitations": {"get": Row(MANAGERS), "post": Row((401, 404, 403, 403, 201, 201), {"role": "annotator"})},
    "api-invitation": {"delete": Row((401, 404, 403, 403, 204, 204))},
    "api-skills": {"get": Row(REVIEWERS), "post": Row((401, 404, 403, 403, 201, 201), {"name": "tasting"})},
    "api-skill": {"delete": Row((401, 404, 403, 403, 204, 204))},
    "api-skilled-people": {"get": Row(REVIEWERS)},
    "api-person-skill": {"put": Row(MANAGERS, {"level": 2}), "delete": Row((401, 404, 403, 403, 204, 204))},
    "api-criteria": {"get": Row(REVIEWERS), "post": Row((401, 404, 403, 403, 201, 201), {"name": "tone"})},
    "api-criterion": {
        "patch": Row(MANAGERS, {"label": "How helpful"}),
        "delete": Row((401, 404, 403, 403, 204, 204)),
    },
    "api-flags": {"get": Row(REVIEWERS)},
    "api-resolve-flag": {"post": Row(REVIEWERS)},
    "api-pauses": {"get": Row(REVIEWERS), "post": Row((401, 404, 403, 403, 201, 201), PAUSE)},
    "api-decide-pause": {"post": Row(MANAGERS, {"decision": "accept"})},
    "api-known-answers": {"get": Row(MANAGERS)},
    "api-known-answer": {
        "get": Row(MANAGERS),
        "put": Row(MANAGERS, {"purpose": "gold"}),
        "delete": Row(MANAGERS),
    },
    "api-held-lease": {"delete": Row((401, 404, 403, 403, 204, 204))},
    "api-agreement": {"get": Row(REVIEWERS)},
    "api-agreement-trend": {"get": Row(REVIEWERS)},
    "api-agreement-pairs": {"get": Row(REVIEWERS)},
    "api-agreement-people": {"get": Row(REVIEWERS)},
    "api-consensus": {"get": Row(MANAGERS)},
    "api-bias": {"get": Row(MANAGERS)},
    "api-data-health": {"get": Row(MANAGERS)},
    "api-export": {"get": Row(MANAGERS)},
    "api-acquire": {"post": Row(MEMBERS)},
    "api-heartbeat": {"post": Row(LEASE_OF_BOB)},
    "api-release": {"post": Row((401, 409, 204, 409, 409, 409))},
    "api-skip": {"post": Row((401, 409, 204, 409, 409, 409), {})},
    "api-draft": {"put": Row(LEASE_OF_BOB, {"answer": {}, "version": 0})},
    "api-submit": {"post": Row((401, 404, 201, 409, 409, 409), RANKING)},
    "api-flag": {"post": Row(MEMBERS, {"reason": "odd"})},
    "api-judgments": {"get": Row(ANY)},
    "api-judgment": {"get": Row(MINE_ONLY)},
    "api-amend": {"post": Row(MINE_ONLY, {"answer": RANKING})},
}


def routes() -> Iterator[str]:
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern), "the matrix looks at plain addresses"
        assert pattern.name, f"{pattern.pattern} has no name"
        yield pattern.name


def test_every_address_has_its_row() -> None:
    assert sorted(routes()) == sorted(MATRIX)


@pytest.fixture
def paths(
    project: Project, elsewhere: Project, people: dict[str, User], client_of: ClientOf, imports_folder: Path
) -> dict[str, str]:
    """The address of each route, naming what belongs to the project and to bob."""
    bob = client_of("bob")
    judgment = submit(bob, acquire(bob), key="earlier").json()["id"]
    work = acquire(bob)
    skill = add_skill(project=project, actor=people["alice"], name="baking")
    set_person_skill(skill=skill, person=people["bob"], level=1, actor=people["alice"])
    PAUSE["user_id"] = people["carol"].pk
    names = {
        "slug": project.slug,
        "lease": work["lease"]["token"],
        "task_id": work["task"]["id"],
        "judgment_id": judgment,
        "import_job_id": upload_import(
            project=project, actor=people["alice"], chunks=[b'{"prompt": "p"}'], file_name="x"
        ).pk,
        "invitation_id": make_invitation(project=project, actor=people["alice"], role="annotator")[0].pk,
        "skill": skill.name,
        "user_id": people["bob"].pk,
        "criterion_id": project.criteria.get().pk,
        "flag_id": Flag.objects.create(task_id=work["task"]["id"], annotator=people["bob"], reason="odd").pk,
        "pause_id": Pause.objects.create(project=project, person=people["bob"]).pk,
        "slot_id": Slot.objects.get(task=work["task"]["id"], state="leased").pk,
    }
    made = {}
    for pattern in urlpatterns:
        path = str(pattern.pattern)
        for converter, name in re.findall(r"<(\w+:(\w+))>", path):
            path = path.replace(f"<{converter}>", str(names[name]))
        made[pattern.name] = f"/api/v1/{path}"
    return made


@pytest.mark.parametrize("name", list(routes()))
def test_role_matrix(name: str, paths: dict[str, str], client_of: ClientOf) -> None:
    clients = {person: APIClient() if person == "nobody" else client_of(person) for person in PEOPLE}
    wrong = {}
    for method in METHODS:
        for person in PEOPLE:
            # Each call starts from the same state; a plain savepoint, because a submit must be outermost.
            cache.clear()
            savepoint = transaction.savepoint()
            response = call(clients[person], name, method, paths)
            transaction.savepoint_rollback(savepoint)
            expected = expect(name, method, person)
            if response.status_code != expected:
                wrong[method, person] = (response.status_code, expected)
            elif expected >= 400:
                assert set(response.json()) == {"code", "message", "extra"}

    assert wrong == {}, "(got, expected) by method and person"


def call(client: APIClient, name: str, method: str, paths: dict[str, str]) -> Any:
    row = MATRIX[name].get(method)
    path, body = paths[name], row.body if row else {}
    if name == "api-submit" and row:
        body = {"lease_token": paths["api-release"].split("/")[4], "answer": body}
    if method == "get":
        return client.get(f"{path}?format=canonical" if name == "api-export" else path)
    return getattr(client, method)(path, body, headers={"Idempotency-Key": "matrix"})


def expect(name: str, method: str, person: str) -> int:
    row = MATRIX[name].get(method)
    if row is not None:
        return row.statuses[PEOPLE.index(person)]
    return 401 if person == "nobody" and name != "api-token" else 405
