"""What a run is made from: models of the right kind, parts that its kind can use, and nothing that is passed over."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from rest_framework.test import APIClient

from annotation.exceptions import ApplicationError
from annotation.models import Project
from tests.factories import make_member
from trainingruns.configuration import build_config
from trainingruns.models import ModelVersion, Run, Snapshot
from trainingruns.services.registry import register_base_version, register_version
from trainingruns.services.runs import start_run

RUNS = "/api/v1/projects/p/runs"


@pytest.fixture
def models(project: Project, snapshot: Snapshot) -> dict[str, ModelVersion]:
    """A policy and a reward model of one name: which is meant is for the option to say."""
    return {
        kind: register_version(kind=kind, name="same", artifact="base", sha256="", project=project)
        for kind in ("policy", "reward")
    }


def command(*words: object) -> str:
    out = StringIO()
    call_command("run", *(str(word) for word in words), "--json", stdout=out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "field", "wrong", "words"),
    [
        ("grpo", "base_version", "reward", "is a reward model; a run starts from a policy"),
        ("reward", "base_version", "reward", "is a reward model; a run starts from a policy"),
        ("sample", "base_version", "reward", "is a reward model; a run starts from a policy"),
        ("dapo", "reward_version", "policy", "is a policy; only a reward model rewards a run"),
        ("ppo", "ensemble", "policy", "is a policy; only a reward model rewards a run"),
    ],
)
def test_a_model_of_the_wrong_kind_is_refused_with_the_field(
    project: Project, snapshot: Snapshot, models: dict[str, ModelVersion], kind: str, field: str, wrong: str, words: str
) -> None:
    given: Any = [models[wrong]] if field == "ensemble" else models[wrong]
    with pytest.raises(ApplicationError, match=words) as refused:
        start_run(project=project, kind=kind, snapshot=snapshot, **{field: given})
    assert (refused.value.code, refused.value.extra) == ("wrong_kind", {"field": field})
    assert not Run.objects.exists()


@pytest.mark.parametrize(("field", "wrong"), [("base_version", "reward"), ("reward_version", "policy")])
def test_rest_refuses_it_by_the_same_code(
    api: APIClient, snapshot: Snapshot, models: dict[str, ModelVersion], field: str, wrong: str
) -> None:
    body = {"kind": "grpo", "snapshot_id": snapshot.pk, f"{field}_id": models[wrong].pk}
    refused = api.post(RUNS, body, format="json")
    assert (refused.status_code, refused.json()["code"]) == (400, "wrong_kind")
    assert refused.json()["extra"] == {"field": field}


def test_the_form_offers_the_right_kinds_alone(
    project: Project, snapshot: Snapshot, models: dict[str, ModelVersion]
) -> None:
    page = Client()
    page.force_login(make_member(project, "manager"))
    for field, wrong in (("base_version", "reward"), ("reward_version", "policy"), ("ensemble", "policy")):
        form = {"kind": "grpo", "snapshot": snapshot.pk, field: models[wrong].pk}
        assert field in page.post("/projects/p/models/", form).context["form"].errors
    # What the form offers, but this kind cannot use.
    form = {"kind": "sft", "snapshot": snapshot.pk, "reward_version": models["reward"].pk}
    shown = page.post("/projects/p/models/", form)
    assert "A sft run is not rewarded by a reward model" in str(shown.context["form"].errors["reward_version"])
    assert not Run.objects.exists()


def test_the_command_takes_the_kind_that_the_option_means_and_names_the_option(
    project: Project, snapshot: Snapshot, base_model: ModelVersion, models: dict[str, ModelVersion]
) -> None:
    made = json.loads(command("grpo", "--snapshot", snapshot.pk, "--base", "same/1", "--reward", "same/1"))
    run = Run.objects.get(pk=made["id"])
    assert (run.base_version, run.reward_version) == (models["policy"], models["reward"])
    only = register_version(kind="reward", name="only", artifact="base", sha256="", project=project)
    for option, name in (("--base", f"{only.name}/1"), ("--reward", "base/1"), ("--ensemble", "base")):
        with pytest.raises(CommandError, match=f"{option}: (only|base) v1 is a (reward model|policy); "):
            command("grpo", "--snapshot", snapshot.pk, option, name)
    with pytest.raises(CommandError, match="There is no model version 'nobody/1'"):
        command("grpo", "--snapshot", snapshot.pk, "--reward", "nobody/1")


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["reward", "--serve"], "--serve: only a run that makes a policy or samples"),
        (["reward", "--reward", "same/1"], "--reward: A reward run is not rewarded by a reward model"),
        (["dpo", "--reward", "same/1"], "--reward: A dpo run is not rewarded by a reward model"),
        (["sample", "--reward", "same/1"], "--reward: A sample run is not rewarded"),
        (["sft", "--ensemble", "same/1"], "A sft run is not rewarded"),
        (["sft", "--groups", "RUN"], "--groups: A sft run learns nothing from what people said"),
        (["grpo", "--project", "elsewhere"], r"--project: snapshot \d+ is of p; leave that out"),
        (["fetch"], "--snapshot: A fetch run works on no snapshot"),
    ],
)
def test_what_a_kind_cannot_use_is_refused_by_option(
    snapshot: Snapshot, models: dict[str, ModelVersion], make_run: Callable[..., Run], words: list[str], fault: str
) -> None:
    sampled = make_run()
    with pytest.raises(CommandError, match=fault):
        command(*(sampled.pk if word == "RUN" else word for word in words), "--snapshot", snapshot.pk)
    assert list(Run.objects.all()) == [sampled]


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["--base", "base/1"], "--base: A fetch run starts from no model"),
        (["--set", "seed=1"], "--set: A fetch run has no settings"),
        (["--ensemble", "same/1"], "A fetch run is not rewarded"),
        (["--serve"], "--serve: only a run"),
        (["--preview"], "A fetch run has no preview"),
    ],
)
def test_a_fetch_run_takes_nothing_but_its_project(
    models: dict[str, ModelVersion], words: list[str], fault: str
) -> None:
    with pytest.raises(CommandError, match=fault):
        command("fetch", "--project", "p", *words)
    assert not Run.objects.exists()
    assert json.loads(command("fetch", "--project", "p"))["kind"] == "fetch"


def test_rest_names_what_a_kind_cannot_use(api: APIClient, snapshot: Snapshot, models: dict[str, ModelVersion]) -> None:
    for body, field in (
        ({"kind": "dpo", "reward_version_id": models["reward"].pk}, "reward_version"),
        ({"kind": "fetch", "snapshot_id": snapshot.pk}, "snapshot"),
        ({"kind": "fetch", "overrides": ["seed=1"]}, "overrides"),
    ):
        refused = api.post(RUNS, {"snapshot_id": snapshot.pk, **body} if body["kind"] == "dpo" else body, format="json")
        assert (refused.status_code, refused.json()["code"]) == (400, "unused_part"), refused.content
        assert refused.json()["extra"] == {"field": field}
    refused = api.post(RUNS, {"kind": "reward", "serve_blind_tasks": True}, format="json")
    assert refused.status_code == 400 and "serve_blind_tasks" in refused.content.decode()
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("kind", "wish", "fault"),
    [
        ("reward", "model=5", "model: expected a section (a JSON object), got 5"),
        ("grpo", "reward=null", "reward: expected a section (a JSON object), got null"),
        ("grpo", "rollout=own", 'rollout: expected a section (a JSON object), got "own"'),
        ("sft", 'seed={"a": 1}', "seed: expected a whole number"),
        ("grpo", "kind=ppo", "kind: is chosen when the run is started, here 'grpo'; leave it out of the settings"),
    ],
)
def test_a_section_is_never_replaced_by_a_value(kind: str, wish: str, fault: str) -> None:
    some = ModelVersion(artifact="somewhere")
    reward = some if kind == "grpo" else None
    with pytest.raises(ApplicationError) as refused:
        build_config(kind=kind, config=None, overrides=[wish], base=some, reward=reward)
    assert refused.value.extra["faults"][0].startswith(fault)


def test_a_setting_of_a_section_leaves_the_recipe_of_the_rest(artifacts: Path) -> None:
    (artifacts / "deep").mkdir()
    (artifacts / "deep/config.json").write_text('{"num_hidden_layers": 30}')
    deep = ModelVersion(artifact="deep")
    wishes = ['optimizer={"weight_decay": 0.5}', "kind=reward"]
    built = build_config(kind="reward", config=None, overrides=wishes, base=deep, reward=None)
    assert built["model"]["frozen_layers"] == 20
    assert built["optimizer"].items() >= {"weight_decay": 0.5, "learning_rate": 5e-5}.items()


def test_a_folder_is_registered_as_what_it_is(base_model: ModelVersion, artifacts: Path) -> None:
    with pytest.raises(ApplicationError, match=r"has no reward_model\.json, so register it as a policy"):
        register_base_version(name="wrong", folder="base", kind="reward")
    (artifacts / "base/reward_model.json").write_text("{}")
    with pytest.raises(ApplicationError, match="so register it as a reward model") as refused:
        register_base_version(name="wrong", folder="base")
    assert refused.value.code == "wrong_kind"
    assert register_base_version(name="right", folder="base", kind="reward").kind == "reward"
