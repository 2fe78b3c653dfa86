"""Several reward models, and groups that people judged: chosen on the page and over REST, kept in the descent."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from rest_framework.test import APIClient

from annotation.exceptions import ApplicationError
from annotation.models import Judgment, Project, Prompt
from tests.factories import make_member
from trainingruns.models import ModelVersion, Run, Snapshot
from trainingruns.run_directory import prepare_run_directory
from trainingruns.selectors.lineage import lineage
from trainingruns.services.runs import start_run

RUNS = "/api/v1/projects/p/runs"


@pytest.fixture
def rewards(project: Project, snapshot: Snapshot, artifacts: Path) -> list[ModelVersion]:
    """Three reward models of the project, the first one champion."""
    made = []
    for number in (1, 2, 3):
        (artifacts / f"reward{number}").mkdir()
        stage = "champion" if number == 1 else "candidate"
        made.append(
            ModelVersion.objects.create(
                project=project, kind="reward", name="r", number=number, artifact=f"reward{number}", stage=stage
            )
        )
    return made


@pytest.fixture
def sampled(project: Project, snapshot: Snapshot, make_run: Callable[..., Run], artifacts: Path) -> Run:
    """A sample run whose two responses to each prompt people have judged."""
    sampling = {"responses_per_prompt": 2, "temperature": 0.7, "max_new_tokens": 40, "keep_log_probs": True}
    run = make_run(state="succeeded", config={"kind": "sample", "sampling": sampling})
    folder = artifacts / f"runs/{run.pk}"
    folder.mkdir(parents=True)
    rows = [
        {
            "prompt_id": str(prompt.pk), "sample": sample, "text": text, "tokens": 2, "finish_reason": "stop",
            "seed": sample, "token_ids": [sample, 2], "log_probs": [-0.5, -0.25],
        }
        for prompt in Prompt.objects.filter(project=project, external_id__in=["one", "two"])
        for sample, text in enumerate(["No.", f"A kind answer to {prompt.external_id}."])
    ]  # fmt: skip
    (folder / "responses.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return run


@pytest.fixture
def page(project: Project) -> Client:
    client = Client()
    client.force_login(make_member(project, "manager"))
    return client


def test_an_ensemble_is_chosen_over_rest_and_its_folders_are_filled_in(
    api: APIClient, snapshot: Snapshot, rewards: list[ModelVersion], artifacts: Path
) -> None:
    members = [rewards[2].pk, rewards[1].pk]
    body = {"kind": "grpo", "snapshot_id": snapshot.pk, "ensemble_version_ids": members}
    made = api.post(RUNS, body, format="json")
    assert made.status_code == 201, made.content
    assert (made.json()["ensemble_version_ids"], made.json()["reward_version_id"]) == (members, rewards[0].pk)
    assert "ensemble" not in made.json()["config"]["reward"]
    config = json.loads((prepare_run_directory(Run.objects.get(pk=made.json()["id"])) / "config.json").read_text())
    assert config["reward"]["model"] == str(artifacts / "reward1")
    assert config["reward"]["ensemble"] == [str(artifacts / "reward3"), str(artifacts / "reward2")]


def test_an_ensemble_is_chosen_on_the_page(page: Client, snapshot: Snapshot, rewards: list[ModelVersion]) -> None:
    form = {"kind": "dapo", "snapshot": snapshot.pk, "ensemble": [rewards[1].pk], "people_every_steps": "20"}
    assert page.post("/projects/p/models/", form).status_code == 302
    run = Run.objects.get(kind="dapo")
    assert run.ensemble_version_ids == [rewards[1].pk]
    assert run.config["evaluation"]["people_every_steps"] == 20
    assert "and 1 more" in page.get(f"/runs/{run.pk}/").content.decode()


@pytest.mark.parametrize(
    ("kind", "places", "fault"),
    [("grpo", [1, 1], "named twice"), ("grpo", [0], "named twice"), ("sft", [1], "A sft run is not rewarded")],
)
def test_an_ensemble_that_makes_no_sense_is_refused_at_its_field(
    page: Client, api: APIClient, snapshot: Snapshot, rewards: list[ModelVersion], kind: str, places: list[int],
    fault: str,
) -> None:  # fmt: skip
    ids = [rewards[place].pk for place in places]
    body = {"kind": kind, "snapshot_id": snapshot.pk, "ensemble_version_ids": ids}
    refused = api.post(RUNS, body, format="json")
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_ensemble")
    assert fault in refused.json()["message"]
    if len(set(ids)) == len(ids):
        shown = page.post("/projects/p/models/", {"kind": kind, "snapshot": snapshot.pk, "ensemble": ids})
        assert shown.status_code == 400
        assert fault in str(shown.context["form"].errors["ensemble"])
    assert not Run.objects.exists()


def test_what_is_not_there_is_named(
    api: APIClient, snapshot: Snapshot, base_model: ModelVersion, rewards: list[ModelVersion]
) -> None:
    for field, value in (("ensemble_version_ids", [base_model.pk]), ("groups_run_id", 10**6)):
        refused = api.post(RUNS, {"kind": "grpo", "snapshot_id": snapshot.pk, field: value}, format="json")
        assert refused.status_code == 404 and field in refused.json()["message"]
    for field, value in (("people_every_steps", 0), ("ensemble_version_ids", ["x"]), ("groups_run_id", "last")):
        assert api.post(RUNS, {"kind": "grpo", field: value}, format="json").status_code == 400


def test_another_projects_reward_model_scores_nothing_here(
    project: Project, snapshot: Snapshot, rewards: list[ModelVersion]
) -> None:
    other = Project.objects.create(slug="other", name="O", kind="ranking")
    theirs = ModelVersion.objects.create(project=other, kind="reward", name="o", number=1, artifact="reward1")
    with pytest.raises(ApplicationError, match="belongs to another project"):
        start_run(project=project, kind="grpo", snapshot=snapshot, ensemble=[theirs])


def test_judged_groups_are_learned_from_by_rest_and_page_alike(
    api: APIClient, page: Client, snapshot: Snapshot, sampled: Run
) -> None:
    made = api.post(RUNS, {"kind": "grpo", "snapshot_id": snapshot.pk, "groups_run_id": sampled.pk}, format="json")
    assert (made.status_code, made.json()["groups_run_id"]) == (201, sampled.pk), made.content
    form = {"kind": "grpo", "snapshot": snapshot.pk, "groups_run": sampled.pk}
    assert page.post("/projects/p/models/", form).status_code == 302
    runs = list(Run.objects.filter(kind="grpo"))
    assert len(runs) == 2
    for run in runs:
        assert run.config["rollout"].items() >= {"source": "judged", "group_size": 2, "temperature": 0.7}.items()
        assert len((prepare_run_directory(run) / "data/groups.jsonl").read_text().splitlines()) == 2
        assert f"sample run {sampled.pk}" in page.get(f"/runs/{run.pk}/").content.decode()


def test_people_reward_alone_unless_a_reward_model_is_named(
    api: APIClient, page: Client, snapshot: Snapshot, sampled: Run, rewards: list[ModelVersion]
) -> None:
    body = {"kind": "grpo", "snapshot_id": snapshot.pk, "groups_run_id": sampled.pk}
    form = {"kind": "grpo", "snapshot": snapshot.pk, "groups_run": sampled.pk}
    assert api.post(RUNS, body, format="json").json()["reward_version_id"] is None
    assert page.post("/projects/p/models/", form).status_code == 302
    call_command("run", "grpo", "--snapshot", str(snapshot.pk), "--groups", str(sampled.pk), stdout=StringIO())
    alone = list(Run.objects.filter(kind="grpo"))
    assert [run.reward_version for run in alone] == [None] * 3
    for run in alone:
        config = json.loads((prepare_run_directory(run) / "config.json").read_text())
        assert config["reward"].get("model") is None

    named = api.post(RUNS, {**body, "reward_version_id": rewards[1].pk}, format="json")
    assert (named.status_code, named.json()["reward_version_id"]) == (201, rewards[1].pk)
    config = prepare_run_directory(Run.objects.get(pk=named.json()["id"])) / "config.json"
    assert json.loads(config.read_text())["reward"]["model"].endswith("/reward2")


def test_further_reward_models_need_a_first_one_beside_peoples_groups(
    api: APIClient, snapshot: Snapshot, sampled: Run, rewards: list[ModelVersion]
) -> None:
    body = {"kind": "grpo", "snapshot_id": snapshot.pk, "groups_run_id": sampled.pk}
    refused = api.post(RUNS, {**body, "ensemble_version_ids": [rewards[1].pk]}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_ensemble")
    assert "name the first one too" in refused.json()["message"]


def test_groups_that_nobody_judged_are_refused_at_their_field(
    page: Client, snapshot: Snapshot, sampled: Run, artifacts: Path
) -> None:
    path = artifacts / f"runs/{sampled.pk}/responses.jsonl"
    path.write_text(path.read_text().replace("kind answer", "new answer"))
    shown = page.post("/projects/p/models/", {"kind": "grpo", "snapshot": snapshot.pk, "groups_run": sampled.pk})
    assert shown.status_code == 400
    assert "have not judged all responses" in str(shown.context["form"].errors["groups_run"])
    path.unlink()
    shown = page.post("/projects/p/models/", {"kind": "grpo", "snapshot": snapshot.pk, "groups_run": sampled.pk})
    assert "has no responses yet" in str(shown.context["form"].errors["groups_run"])


def test_descent_leads_through_judged_groups_and_ensembles_to_people(
    project: Project, snapshot: Snapshot, sampled: Run, rewards: list[ModelVersion], judge: Callable[..., None]
) -> None:
    run = start_run(
        project=project, kind="grpo", snapshot=snapshot, groups_run=sampled, reward_version=rewards[0],
        ensemble=[rewards[1], rewards[2]],
    )  # fmt: skip
    prepare_run_directory(run)
    counted = set(Judgment.objects.values_list("pk", flat=True))
    judge("three")
    version = ModelVersion.objects.create(project=project, kind="policy", name="p", number=1, artifact="x", run=run)
    (made,) = lineage(version=version).made_from
    roles = [node.role for node in made.made_from]
    assert roles == ["started from", "reward model", "reward model", "reward model", "snapshot", "judged groups"]
    groups = made.made_from[-1]
    assert (groups.run_id, groups.made_from[0].role) == (sampled.pk, "sampled from")
    assert set(groups.facts["judgment_ids"]) == counted
    assert (groups.facts["judgments"], groups.facts["guideline_versions"]) == (4, [1])
    assert len(groups.facts["annotators"]) == 2
    assert "judgment_ids" not in lineage(version=version, with_judgments=False).made_from[0].made_from[-1].facts


def test_a_sample_run_from_the_page_can_be_ranked_and_learned_from(page: Client, snapshot: Snapshot) -> None:
    form = {"kind": "sample", "snapshot": snapshot.pk, "serve": "on", "overrides": "sampling.responses_per_prompt=3"}
    assert page.post("/projects/p/models/", form).status_code == 302
    run = Run.objects.get(kind="sample")
    assert run.purpose == {"then": "make_ranking_tasks"}
    assert run.config["sampling"].items() >= {"keep_log_probs": True, "top_p": 1, "responses_per_prompt": 3}.items()
