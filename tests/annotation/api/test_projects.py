from typing import Any

import pytest

from annotation.models import Membership, Project
from tests.annotation.api.conftest import ClientOf, acquire, submit

NEW = {
    "name": "Poems",
    "slug": "poems",
    "kind": "scalar",
    "guideline": "Read **aloud**.",
    "judgments_per_task": 2,
    "criteria": [{"name": "beauty", "label": "Beauty", "minimum": 1, "maximum": 7, "anchors": {"1": "none"}}],
}


def test_made_project_belongs_to_its_maker(project: Project, client_of: ClientOf) -> None:
    response = client_of("alice").post("/api/v1/projects", NEW)

    assert response.status_code == 201, response.content
    assert response.json()["role"] == "manager"
    assert response.json()["criteria"][0]["maximum"] == 7
    assert Membership.objects.get(project__slug="poems").user.username == "alice"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"slug": "not a slug"}, "slug"),
        ({"kind": "stars"}, "kind"),
        ({"judgments_per_task": 0}, "judgments_per_task"),
        ({"criteria": [{"label": "x"}]}, "criteria[0].name"),
        ({"criteria": [{"name": "x", "colour": "red"}]}, "criteria[0].colour"),
        ({"created_by": 1}, "created_by"),
        ({"is_demo": True}, "is_demo"),
    ],
)
def test_bad_project_names_the_field(project: Project, client_of: ClientOf, change: dict[str, Any], field: str) -> None:
    response = client_of("alice").post("/api/v1/projects", {**NEW, **change})

    assert response.status_code == 400, response.content
    assert [fault["field"] for fault in response.json()["extra"]["faults"]] == [field]
    assert not Project.objects.filter(slug="poems").exists()


def test_taken_slug_is_a_conflict(project: Project, client_of: ClientOf) -> None:
    response = client_of("alice").post("/api/v1/projects", {**NEW, "slug": "cooking"})

    assert (response.status_code, response.json()["code"]) == (409, "slug_taken")


@pytest.mark.parametrize("field", ["slug", "kind", "is_demo", "created_by", "created_at", "guideline_version", "id"])
def test_only_settings_can_be_changed(project: Project, client_of: ClientOf, field: str) -> None:
    response = client_of("alice").patch("/api/v1/projects/cooking", {field: "scalar"})

    assert response.status_code == 400
    assert [fault["field"] for fault in response.json()["extra"]["faults"]] == [field]


def test_list_holds_only_ones_own(project: Project, elsewhere: Project, client_of: ClientOf) -> None:
    def slugs(name: str) -> list[tuple[str, str]]:
        return [(row["slug"], row["role"]) for row in client_of(name).get("/api/v1/projects").json()["results"]]

    assert slugs("bob") == [("cooking", "annotator")]
    assert slugs("oscar") == [("elsewhere", "manager")]
    assert slugs("root") == [("elsewhere", "manager"), ("cooking", "manager")]


def test_project_tells_ones_own_progress(project: Project, client_of: ClientOf) -> None:
    bob = client_of("bob")
    submit(bob, acquire(bob))

    progress = bob.get("/api/v1/projects/cooking").json()["progress"]

    assert (progress["judgments"], progress["waiting"]) == (1, 2)


def test_tasks_come_page_by_page_with_counts(
    project: Project, client_of: ClientOf, django_assert_num_queries: Any
) -> None:
    bob, rita = client_of("bob"), client_of("rita")
    submit(bob, acquire(bob))

    with django_assert_num_queries(5):  # token and its use, project, role, page
        first = rita.get("/api/v1/projects/cooking/tasks?page_size=2").json()
    rest = rita.get(first["next"]).json()

    rows = first["results"] + rest["results"]
    assert rest["next"] is None
    assert [row["external_id"] for row in rows] == ["secret-id-2", "secret-id-1", "secret-id-0"]
    assert sorted(row["judgments_given"] for row in rows) == [0, 0, 1]
    assert {row["judgments_wanted"] for row in rows} == {2}


@pytest.mark.parametrize(
    "query", ["state=lost", "gold__tiers=1", "prompt__project__created_by__password__startswith=a", "ordering=gold"]
)
def test_unknown_filters_are_refused(project: Project, client_of: ClientOf, query: str) -> None:
    assert client_of("rita").get(f"/api/v1/projects/cooking/tasks?{query}").status_code == 400


def test_agreement_is_null_before_the_first_report(project: Project, client_of: ClientOf) -> None:
    assert client_of("rita").get("/api/v1/projects/cooking/agreement").json() == {"report": None}
