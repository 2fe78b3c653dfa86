"""Sample runs keep what a policy needs to learn from people's judgments, whatever way they are started, or say so."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from rest_framework.test import APIClient

from annotation.exceptions import ApplicationError
from annotation.models import Project, Prompt
from trainingruns.models import ModelVersion, Run, Snapshot
from trainingruns.recipes import keep_to_learn_from, sample_recipe
from trainingruns.selectors.runs import judgeable_runs
from trainingruns.selectors.sampling_doubts import doubts_about_sampling
from trainingruns.services.comparisons import compare_policies
from trainingruns.services.followups import start_sample_run
from trainingruns.services.runs import start_run

RUNS = "/api/v1/projects/p/runs"
KEPT = {"keep_log_probs": True, "top_p": 1.0}


def by_command(snapshot: Snapshot, *words: str) -> tuple[Run, str]:
    told = StringIO()
    call_command(
        "run", "sample", "--snapshot", str(snapshot.pk), "--serve", *words, stdout=StringIO(), stderr=told
    )  # fmt: skip
    return Run.objects.latest("pk"), told.getvalue()


def test_command_rest_and_demo_keep_what_can_be_learned_from(
    project: Project, snapshot: Snapshot, base_model: ModelVersion, prompts: list[Prompt], api: APIClient
) -> None:
    ordered, told = by_command(snapshot)
    body = {"kind": "sample", "snapshot_id": snapshot.pk, "serve_blind_tasks": True}
    asked = api.post(RUNS, body, format="json")
    assert (asked.status_code, asked.json()["sampling_doubts"], told) == (201, [], ""), asked.content
    followed = start_sample_run(project=project, policy=base_model, prompts=prompts, samples_per_prompt=3)
    for run in (ordered, Run.objects.get(pk=asked.json()["id"]), followed):
        assert run.purpose["then"] == "make_ranking_tasks"
        assert run.config["sampling"].items() >= KEPT.items()
    assert judgeable_runs(project=project).count() == 3


@pytest.mark.parametrize(
    ("wish", "top_p"),
    [("sampling.top_p=0.8", 0.8), ("sampling.keep_log_probs=false", 0.95), ("sampling.temperature=0", 0.95)],
)
def test_a_wish_for_something_else_holds_and_people_are_told(
    snapshot: Snapshot, api: APIClient, signed_in: Callable[[str | None], Client], wish: str, top_p: float
) -> None:
    run, told = by_command(snapshot, "--set", wish)
    assert (run.config["sampling"]["top_p"], run.config["sampling"]["keep_log_probs"]) == (top_p, False)
    assert told.startswith("No policy can learn from what people say of these responses, for the run keeps no log-prob")
    assert told.strip() in signed_in("reviewer").get(f"/runs/{run.pk}/").content.decode()
    body = {"kind": "sample", "snapshot_id": snapshot.pk, "serve_blind_tasks": True, "overrides": [wish]}
    assert api.post(RUNS, body, format="json").json()["sampling_doubts"] == [told.strip()]


def test_wishes_that_rule_each_other_out_are_refused(project: Project, snapshot: Snapshot) -> None:
    wishes = ["sampling.keep_log_probs=true", "sampling.top_p=0.9"]
    with pytest.raises(ApplicationError, match=r"sampling\.keep_log_probs: needs top_p 1"):
        start_run(project=project, kind="sample", snapshot=snapshot, overrides=wishes)


def test_a_comparison_is_sampled_to_be_read_and_says_nothing(
    base_model: ModelVersion, prompts: list[Prompt], champion: ModelVersion
) -> None:
    run = compare_policies(version=champion, rival=base_model, responses=3).run
    assert (run.config["sampling"]["top_p"], run.config["sampling"]["keep_log_probs"]) == (0.95, False)
    assert doubts_about_sampling(run) == []


@pytest.mark.parametrize("sampling", [{"top_p": 0.5}, {"temperature": 0}, {"keep_log_probs": False}, "nonsense"])
def test_the_recipe_stays_as_it_was_where_log_probs_are_of_no_use(sampling: Any) -> None:
    assert keep_to_learn_from(sample_recipe(), {"sampling": sampling}) == sample_recipe()


def test_a_wish_for_log_probs_alone_is_enough() -> None:
    kept = keep_to_learn_from(sample_recipe(), {"sampling": {"keep_log_probs": True, "temperature": 0.7}})["sampling"]
    assert kept == {**sample_recipe()["sampling"], **KEPT}
