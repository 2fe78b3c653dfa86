"""A project with a snapshot and a base model on disk, and runs that a fake trainer works on."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages

from annotation.importers.concord import read_prompts
from annotation.models import Project, Prompt
from annotation.services.importing import import_prompts
from trainingruns.launcher import BuildCommand
from trainingruns.models import ModelVersion, Run
from trainingruns.services.registry import register_base_version

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
