"""A project with a snapshot and a base model on disk, and runs that a fake trainer works on."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.test import Client
from rest_framework.test import APIClient

from annotation.importers.concord import read_prompts
from annotation.models import Membership, Project, Prompt, User
from annotation.services.importing import import_prompts
from tests.factories import make_member
from trainingruns.launcher import BuildCommand
from trainingruns.models import ModelVersion, Run, Snapshot
from trainingruns.services.registry import register_base_version
from trainingruns.services.snapshots import create_snapshot

FAKE = Path(__file__).with_name("fake_trainer.py")


def fake_command(**wishes: Any) -> BuildCommand:
    """A command builder for the fake trainer with these wishes."""
    words = [f"{name}={value}" for name, value in wishes.items()]
    return lambda run, directory: [sys.executable, str(FAKE), str(directory), *words]


@pytest.fixture
def artifacts(tmp_path: Path, settings: Any) -> Path:
    """An artifacts root of the test's own."""
    root = tmp_path / "artifacts"
    root.mkdir()
    settings.ARTIFACTS_ROOT = root
    stores = {**settings.STORAGES}
    stores["artifacts"] = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": root}}
    settings.STORAGES = stores
    storages._storages.clear()
    return root


@pytest.fixture
def project(db: Any) -> Project:
    return Project.objects.create(slug="p", name="P", kind="ranking")


@pytest.fixture
def base_model(artifacts: Path, db: Any) -> ModelVersion:
    """A registered base policy whose folder looks like a model."""
    folder = artifacts / "base"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(os.urandom(32))
    return register_base_version(name="base", folder="base")


@pytest.fixture
def make_run(project: Project, base_model: ModelVersion) -> Callable[..., Run]:
    """A queued sample run on one prompt: the kind that needs no snapshot."""

    def make(**fields: Any) -> Run:
        prompt, _ = Prompt.objects.get_or_create(
            project=project, external_id="q", defaults={"messages": [{"role": "user", "content": "hi"}]}
        )
        config = {"schema": 1, "kind": "sample", "seed": 0, "model": {}, "data": {}, "sampling": {}}
        defaults = {
            "project": project,
            "kind": "sample",
            "base_version": base_model,
            "config": config,
            "purpose": {"prompt_ids": [prompt.pk]},
        }
        return Run.objects.create(**{**defaults, **fields})

    return make


@pytest.fixture
def judge(project: Project) -> Callable[..., None]:
    """Imports prompts with two responses, `good` and `bad`, and as many judgments as there are votes for either."""

    def add(name: str, *, good: int = 2, bad: int = 0, tie: int = 0, same: bool = False, question: str = "") -> None:
        people = iter(f"rater{number}" for number in range(99))
        tiers = [[["good"], ["bad"]]] * good + [[["bad"], ["good"]]] * bad + [[["good", "bad"]]] * tie
        line = {
            "external_id": name,
            "kind": "ranking",
            "prompt": question or f"Question {name}?",
            "responses": [
                {"id": "good", "text": f"A kind answer to {name}.", "source": "x"},
                {"id": "bad", "text": f"A kind answer to {name}." if same else "No.", "source": "y"},
            ],
            "judgments": [{"annotator": next(people), "tiers": each} for each in tiers],
        }
        import_prompts(project=project, prompts=read_prompts([json.dumps(line).encode()]), actor=None)

    return add


@pytest.fixture
def snapshot(project: Project, judge: Callable[..., None], base_model: ModelVersion) -> Snapshot:
    """Two prompts whose judgments agree, beside a base model to start from."""
    judge("one")
    judge("two")
    return create_snapshot(project=project)


@pytest.fixture
def prompts(project: Project) -> list[Prompt]:
    return [
        Prompt.objects.create(project=project, external_id=f"q{number}", messages=[{"role": "user", "content": "?"}])
        for number in range(3)
    ]


@pytest.fixture
def make_policy(project: Project, base_model: ModelVersion) -> Callable[..., ModelVersion]:
    """A policy of the project with the run that has made it; its purpose may say what follows."""

    def make(number: int, *, parent: ModelVersion = base_model, **fields: Any) -> ModelVersion:
        purpose = {"then": "serve_blind_tasks", "responses": 3, **fields.pop("purpose", {})}
        run = Run.objects.create(
            project=project, kind="grpo", state="succeeded", base_version=parent, purpose=purpose
        )  # fmt: skip
        named = {"kind": "policy", "name": "p-policy", "number": number, "artifact": "base", "project": project}
        return ModelVersion.objects.create(**{**named, "parent": parent, "run": run, **fields})

    return make


@pytest.fixture
def champion(make_policy: Callable[..., ModelVersion]) -> ModelVersion:
    return make_policy(1, stage="champion")


@pytest.fixture
def refused(
    champion: ModelVersion, base_model: ModelVersion, make_policy: Callable[..., ModelVersion], project: Project
) -> dict[str, ModelVersion]:
    """Versions that cannot be compared with the champion, by the code of the refusal."""
    other = Project.objects.create(slug="other", name="O", kind="ranking")
    return {
        "same_version": champion,
        "rival_archived": make_policy(2, stage="archived"),
        "other_project": make_policy(1, project=other, name="other-policy"),
        "not_a_policy": make_policy(1, kind="reward", name="p-reward"),
    }


@pytest.fixture
def signed_in(project: Project) -> Callable[[str | None], Client]:
    def sign_in(role: str | None) -> Client:
        user = User.objects.create(username=f"user-{role}")
        if role is not None:
            Membership.objects.create(project=project, user=user, role=role)
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def api(project: Project) -> APIClient:
    """REST as a manager of the project."""
    client = APIClient()
    client.force_authenticate(make_member(project, "manager", name="manager"))
    return client
