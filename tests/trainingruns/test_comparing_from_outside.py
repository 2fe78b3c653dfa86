"""Comparisons of policies over REST and by commands."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from rest_framework.test import APIClient

from annotation.models import Prompt
from trainingruns.models import ModelVersion, Run

# --- REST -------------------------------------------------------------------------------------------------------------


def test_rest_compares_and_a_repeated_call_starts_nothing_twice(
    api: APIClient, champion: ModelVersion, base_model: ModelVersion, prompts: list[Prompt]
) -> None:
    body = {"against_version_id": base_model.pk, "responses": 5}
    address = f"/api/v1/models/{champion.pk}/comparisons"
    made = api.post(address, body, format="json")
    assert made.status_code == 201 and made.json()["kind"] == "sample"
    again = api.post(address, body, format="json")
    assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])
    run = Run.objects.get(pk=made.json()["id"])
    # Five and some to spare, on three prompts.
    assert (run.rival_version_ids, run.config["sampling"]["responses_per_prompt"]) == ([base_model.pk], 2)
    assert run.created_by is not None and run.created_by.username == "manager"


def test_the_description_tells_a_new_run_from_one_that_is_there(db: None) -> None:
    document = APIClient().get("/api/schema/", {"format": "json"}).json()
    answers = document["paths"]["/api/v1/models/{version_id}/comparisons"]["post"]["responses"]
    shapes = [answers[status]["content"]["application/json"]["schema"]["$ref"] for status in ("200", "201")]
    assert [shape.rpartition("/")[2] for shape in shapes] == ["RunOutput", "RunOutput"]
    serves = document["components"]["schemas"]["RunInputRequest"]["properties"]["serve_blind_tasks"]["description"]
    assert "`against`" in serves and "champion" not in serves


def test_rest_names_the_field_at_fault(
    api: APIClient, champion: ModelVersion, refused: dict[str, ModelVersion], prompts: list[Prompt]
) -> None:
    address = f"/api/v1/models/{champion.pk}/comparisons"
    bodies: list[tuple[dict[str, Any], int, str]] = [
        ({}, 400, "against_version_id"),
        ({"against_version_id": 0}, 400, "against_version_id"),
        ({"against_version_id": 1, "responses": 0}, 400, "responses"),
        ({"against_version_id": 1, "responses": "many"}, 400, "responses"),
        ({"against_version_id": 1, "rival": 1}, 400, "rival"),
        ({"against_version_id": 10**9}, 404, "against_version_id"),
        ({"against_version_id": refused["other_project"].pk}, 404, "against_version_id"),
        ({"against_version_id": refused["rival_archived"].pk}, 400, "against_version_id"),
        ({"against_version_id": champion.pk}, 400, "against_version_id"),
    ]
    for body, status, field in bodies:
        answer = api.post(address, body, format="json")
        extra = answer.json()["extra"]
        assert (answer.status_code, extra.get("field") or extra["faults"][0]["field"]) == (status, field), body
    assert not Run.objects.filter(kind="sample").exists()


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"kind": "grpo", "against": "both"}, "nobody compares its responses unless they are served"),
        ({"kind": "sample", "against": "both", "serve_blind_tasks": True}, "only a run that makes a policy has rivals"),
        ({"kind": "grpo", "against": "all", "serve_blind_tasks": True}, "is not a valid choice"),
    ],
)
def test_rest_takes_rivals_only_where_there_are_some(api: APIClient, body: dict[str, Any], fault: str) -> None:
    answer = api.post("/api/v1/projects/p/runs", body, format="json")
    assert answer.status_code == 400
    [found] = answer.json()["extra"]["faults"]
    assert found["field"] == "against" and fault in found["message"]


# --- Commands ---------------------------------------------------------------------------------------------------------


def test_the_command_compares(champion: ModelVersion, base_model: ModelVersion, prompts: list[Prompt]) -> None:
    printed = StringIO()
    call_command("compare", "p-policy/1", "--against", "base/1", "--responses", "2", "--json", stdout=printed)
    said = json.loads(printed.getvalue())
    run = Run.objects.get(pk=said["id"])
    assert said["against"] == base_model.pk and run.rival_version_ids == [base_model.pk]
    assert said["prompts"] == len(run.purpose["prompt_ids"]) == 3


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["p-policy/1", "--against", "nobody/1"], "no policy 'nobody/1'"),
        (["p-policy/1", "--against", "p-policy"], "cannot be compared with itself"),
        (["p-policy/1", "--against", "p-policy/2"], "is archived; choose a version in use"),
        (["p-policy/1", "--against", "other-policy/1"], "belongs to another project"),
        (["p-policy/1", "--against", "p-reward/1"], "no policy 'p-reward/1'"),
        (["p-policy/1", "--against", "base/1", "--responses", "0"], "responses: from 1"),
        (["p-policy/1", "--against", "base/1", "--responses", "few"], "invalid int value"),
        (["base/1", "--against", "p-policy/1"], "is a base model and belongs to no project"),
    ],
)
def test_the_command_says_what_cannot_be_compared(
    words: list[str], fault: str, refused: dict[str, ModelVersion], prompts: list[Prompt]
) -> None:
    with pytest.raises(CommandError, match=fault):
        call_command("compare", *words)
    assert not Run.objects.filter(kind="sample").exists()
