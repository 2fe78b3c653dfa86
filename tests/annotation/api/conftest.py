"""People, a project with tasks, and clients that speak for each person."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from annotation.kinds.ranking import RankingAnswer
from annotation.models import Criterion, Membership, Project, Prompt, Response, Slot, Task, TaskResponse, User
from annotation.services.tokens import issue_token

SOURCES = ("secret-model-alpha", "secret-model-beta", "secret-model-gamma")
GOLD_MARK = "gold-rationale-never-shown"
ClientOf = Callable[[str], APIClient]


@pytest.fixture(autouse=True)
def _fresh_counters(settings: Any) -> None:
    """Every test counts calls from zero."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    from django.core.cache import cache

    from annotation.api.throttles import forget_drawn

    cache.clear()
    forget_drawn()


@pytest.fixture
def people(db: None) -> dict[str, User]:
    """alice manages, rita reviews, bob and carol annotate, oscar belongs to nothing, root is a superuser."""
    names = ("alice", "rita", "bob", "carol", "oscar")
    made = {name: User.objects.create_user(name, f"{name}@example.org", f"{name}-password-1") for name in names}
    made["root"] = User.objects.create_superuser("root", "root@example.org", "root-password-1")
    return made


@pytest.fixture
def project(people: dict[str, User]) -> Project:
    """A ranking project with one criterion and three tasks of three responses, wanted twice."""
    project = Project.objects.create(
        slug="cooking", name="Cooking", kind="ranking", guideline="Be **fair**.", judgments_per_task=2
    )
    roles = {"alice": "manager", "rita": "reviewer", "bob": "annotator", "carol": "annotator"}
    for name, role in roles.items():
        Membership.objects.create(project=project, user=people[name], role=role)
    Criterion.objects.create(project=project, name="helpfulness", label="Helpfulness", required=False)
    for number in range(3):
        make_task(project, f"secret-id-{number}")
    return project


@pytest.fixture
def elsewhere(people: dict[str, User]) -> Project:
    """Another tenant's project, managed by oscar."""
    project = Project.objects.create(slug="elsewhere", name="Elsewhere", kind="ranking", judgments_per_task=1)
    Membership.objects.create(project=project, user=people["oscar"], role="manager")
    make_task(project, "secret-id-9")
    return project


@pytest.fixture
def client_of(people: dict[str, User]) -> ClientOf:
    """A client that carries the token of the named person."""

    def make(name: str) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_token(user=people[name], name='test')[1]}")
        return client

    return make


def make_task(project: Project, external_id: str, *, wanted: int | None = None) -> Task:
    """A task whose keys and sources name the models, with a known answer that must stay secret."""
    prompt = Prompt.objects.create(
        project=project,
        external_id=external_id,
        messages=[{"role": "user", "content": "How do I boil an egg?"}],
        tags=["secret-tag"],
    )
    known = RankingAnswer(tiers=((SOURCES[0],), SOURCES[1:]), rationale=GOLD_MARK)
    task = Task.objects.create(
        project=project, prompt=prompt, external_id=external_id, kind=project.kind, gold=known.as_mapping()
    )
    for position, source in enumerate(SOURCES):
        response = Response.objects.create(prompt=prompt, key=source, text=f"Text **{position}**", source=source)
        TaskResponse.objects.create(task=task, response=response, position=position)
    for number in range(1, (wanted or project.judgments_per_task) + 1):
        Slot.objects.create(project=project, task=task, number=number)
    return task


def acquire(client: APIClient, slug: str = "cooking") -> dict[str, Any]:
    """The work that the person gets now."""
    response = client.post(f"/api/v1/projects/{slug}/acquire")
    assert response.status_code == 200, response.content
    return response.json()


def submit(client: APIClient, work: dict[str, Any], key: str = "key-1", **answer: Any) -> Any:
    """Submits A over B and C for the work, or what `answer` says."""
    answer = answer or {"tiers": [["A"], ["B", "C"]], "active_ms": 1200}
    return client.post(
        f"/api/v1/tasks/{work['task']['id']}/judgments",
        {"lease_token": work["lease"]["token"], "answer": answer},
        headers={"Idempotency-Key": key},
    )
