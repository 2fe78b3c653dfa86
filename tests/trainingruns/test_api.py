"""The training part of REST v1: every address times every kind of person, and what it refuses."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import URLPattern
from rest_framework.test import APIClient

from annotation.models import Membership, Project, User
from trainingruns.api.urls import urlpatterns
from trainingruns.models import ModelVersion, Run
from trainingruns.services.snapshots import create_snapshot

PEOPLE = ("nobody", "outsider", "annotator", "reviewer", "manager")
REVIEWERS = (401, 404, 403, 200, 200)
MANAGERS = (401, 404, 403, 403, 200)
MAKERS = (401, 404, 403, 403, 201)
MATRIX: dict[str, dict[str, tuple[tuple[int, ...], Any]]] = {
    "api-snapshots": {"get": (REVIEWERS, None), "post": (MAKERS, {"eval_share": 0.4})},
    "api-runs": {"get": (REVIEWERS, None), "post": (MAKERS, {"kind": "fetch"})},
    "api-models": {"get": (REVIEWERS, None)},
    "api-loop": {"get": (REVIEWERS, None), "patch": (MANAGERS, {"is_enabled": True})},
    "api-run": {"get": (REVIEWERS, None)},
    "api-cancel": {"post": (MANAGERS, {})},
    "api-resume": {"post": (MANAGERS, {})},
    "api-metrics": {"get": (REVIEWERS, None)},
    "api-model": {"get": (REVIEWERS, None)},
    "api-stage": {"post": (MANAGERS, {"stage": "champion"})},
    "api-comparisons": {"post": (MAKERS, {"against_version_id": "<base>"})},
    "api-lineage": {"get": (REVIEWERS, None)},
}


def routes() -> Iterator[str]:
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern) and pattern.name
        yield pattern.name


def client_for(project: Project, role: str) -> APIClient:
    client = APIClient()
    if role == "nobody":
        return client
    user, _ = User.objects.get_or_create(username=role)
    if role != "outsider":
        Membership.objects.get_or_create(project=project, user=user, role=role)
    client.force_authenticate(user)
    return client


@pytest.fixture
def paths(
    project: Project, base_model: ModelVersion, make_run: Callable[..., Run], judge: Callable[..., None]
) -> dict[str, str]:
    judge("q1"), judge("q2")
    version = ModelVersion.objects.create(
        project=project, kind="policy", name="p", number=1, artifact="x", parent=base_model
    )
    ids = {"<slug:slug>": project.slug, "<row:run_id>": str(make_run().pk), "<row:version_id>": str(version.pk)}
    made = {}
    for pattern in urlpatterns:
        path = str(pattern.pattern)
        for placeholder, value in ids.items():
            path = path.replace(placeholder, value)
        made[str(pattern.name)] = f"/api/v1/{path}"
    return made


@pytest.mark.parametrize("name", list(routes()))
def test_role_matrix(name: str, paths: dict[str, str], project: Project, base_model: ModelVersion) -> None:
    for method in ("get", "post", "patch", "delete"):
        for person in PEOPLE:
            cache.clear()
            statuses, body = MATRIX[name].get(method, ((401, 405, 405, 405, 405), {}))
            body = {key: base_model.pk if value == "<base>" else value for key, value in body.items()} if body else body
            response = getattr(client_for(project, person), method)(
                paths[name], body, format="json" if body is not None else None
            )
            assert response.status_code == statuses[PEOPLE.index(person)], (method, person, response.content)


def test_an_unknown_key_stops_a_run_before_it_starts_by_name(
    project: Project, base_model: ModelVersion, judge: Callable[..., None]
) -> None:
    judge("q1"), judge("q2")
    snapshot = create_snapshot(project=project, eval_share=0.5)
    body = {"kind": "reward", "snapshot_id": snapshot.pk, "config": {"optimizer": {"learn_rate": 1}, "modle": {}}}
    response = client_for(project, "manager").post("/api/v1/projects/p/runs", body, format="json")
    assert response.status_code == 400
    assert response.json()["code"] == "invalid_config"
    assert [fault.partition(":")[0] for fault in response.json()["extra"]["faults"]] == [
        "modle",
        "optimizer.learn_rate",
    ]
    assert not Run.objects.exists()


def test_nobody_names_a_folder_of_the_server(
    project: Project, base_model: ModelVersion, judge: Callable[..., None]
) -> None:
    judge("q1"), judge("q2")
    snapshot = create_snapshot(project=project, eval_share=0.5)
    body = {"kind": "reward", "snapshot_id": snapshot.pk, "overrides": ["model.base=/etc"]}
    response = client_for(project, "manager").post("/api/v1/projects/p/runs", body, format="json")
    assert response.status_code == 400 and "model.base" in response.json()["message"]


def test_another_projects_parts_are_not_found(
    project: Project, base_model: ModelVersion, judge: Callable[..., None]
) -> None:
    judge("q1"), judge("q2")
    snapshot = create_snapshot(project=project, eval_share=0.5)
    other = Project.objects.create(slug="other", name="O", kind="ranking")
    body = {"kind": "reward", "snapshot_id": snapshot.pk}
    response = client_for(other, "manager").post("/api/v1/projects/other/runs", body, format="json")
    assert response.status_code == 404 and "snapshot_id" in response.json()["message"]


def test_a_run_that_has_ended_cannot_be_cancelled(project: Project, make_run: Callable[..., Run]) -> None:
    run = make_run(state="succeeded")
    response = client_for(project, "manager").post(f"/api/v1/runs/{run.pk}/cancel", {}, format="json")
    assert response.status_code == 409 and response.json()["extra"] == {"state": "succeeded"}
