"""Diversity by embeddings: from the report that asks for them to the page that says how prompts were compared."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from annotation.data_health.diversity import vendi_score
from annotation.models import Project, ProjectReport, PromptEmbedding, User
from annotation.services.project_reports import refresh_project_report
from annotation.services.prompt_embeddings import WAITING, claim_sample, keep_vectors, wanted_projects
from tests.factories import make_task
from tests.tiny_model import make_tiny_model
from trainingruns import jobs, prompt_vectors
from trainingruns.prompt_vectors import CannotEmbed, embed_prompts
from trainingruns.services.prompt_embedding import EMBED_JOB, embed_project_prompts
from trainingruns.services.registry import register_base_version

TEXTS = ["Why is the sky blue?", "Write a poem on rain", "Sort this list", "Why is the sky blue?"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(project: Project, artifacts: Path) -> Project:
    """A project with prompts and a report that asked for their embeddings."""
    for text in TEXTS:
        make_task(project, text=text)
    report(project)
    return project


@pytest.fixture
def tiny(artifacts: Path) -> Path:
    folder = make_tiny_model(artifacts / "base")
    register_base_version(name="tiny", folder="base")
    return folder


def report(project: Project) -> dict[str, Any]:
    section = ProjectReport.Section.DATA_HEALTH
    content = refresh_project_report(project=project, section=section, anew=True).content
    return {check["check"]: check for check in content["checks"]}


def use_program(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Another program stands in the trainers' place."""
    program = folder / "python"
    program.write_text(f"#!{sys.executable}\n{script}\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))


def note(project: Project) -> str:
    newest = ProjectReport.objects.filter(project=project).latest()
    return next(each["note"] for each in newest.content["checks"] if each["check"] == "effective_prompts")


def page(client: Any, project: Project) -> str:
    client.force_login(User.objects.create(username="boss", is_superuser=True, is_staff=True))
    return " ".join(client.get(f"/projects/{project.slug}/data-health/").content.decode().split())


def test_embeddings_take_the_place_of_words(asked: Project, tiny: Path, client: Any) -> None:
    assert WAITING in note(asked)
    assert embed_project_prompts(project=asked)
    row = PromptEmbedding.objects.get()
    vectors = np.frombuffer(row.vectors, "<f4").reshape(4, 32).astype(float)
    np.testing.assert_allclose((vectors**2).sum(axis=1), 1, atol=1e-5)
    checks = report(asked)
    assert checks["effective_prompts"]["value"] == pytest.approx(vendi_score(vectors) / 4, abs=1e-6)
    assert checks["loose_clusters"]["count"] <= 3
    assert "in all 4 (by embeddings of tiny v1)" in page(client, asked)


def test_without_new_prompts_nothing_is_embedded_again(asked: Project) -> None:
    texts = claim_sample(project=asked)
    assert texts == TEXTS
    keep_vectors(project=asked, texts=texts, vectors=np.eye(4)[[0, 1, 2, 0]], model="m v1")
    assert report(asked)["loose_clusters"]["count"] == 3
    assert not wanted_projects() and claim_sample(project=asked) is None
    make_task(asked, text="Something new")
    assert f"lexical, because {WAITING}" in report(asked)["effective_prompts"]["note"]
    assert wanted_projects() == [asked.pk]


def test_a_model_that_fails_leaves_words_and_its_reason(
    asked: Project, tiny: Path, tmp_path: Path, client: Any, caplog: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_program(tmp_path, monkeypatch, "import sys; sys.exit('line one\\nbad config: no weights')")
    assert not embed_project_prompts(project=asked)
    assert "are not embedded" in caplog.text
    html = page(client, asked)
    assert "(lexical, because the model failed: bad config: no weights)" in html and "by embeddings" not in html
    assert not wanted_projects()
    PromptEmbedding.objects.update(changed_at=timezone.now() - timedelta(hours=2))
    assert "because the model failed" in report(asked)["effective_prompts"]["note"]
    assert wanted_projects() == [asked.pk]


def test_without_the_training_extra_the_page_says_so(
    asked: Project, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompt_vectors.importlib.util, "find_spec", lambda name: None)
    embed_project_prompts(project=asked)
    assert "because the training extra is not installed where training runs" in note(asked)


def test_beat_kicks_once_there_is_a_model(asked: Project, artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, dict[str, int]]] = []
    monkeypatch.setattr(jobs.current_app, "send_task", lambda job, *, kwargs, **_: sent.append((job, kwargs)))
    assert jobs.request_prompt_embeddings() == 0
    register_base_version(name="tiny", folder=str(make_tiny_model(artifacts / "gone")))
    (artifacts / "gone").rename(artifacts / "elsewhere")
    assert jobs.request_prompt_embeddings() == 1
    assert sent == [(EMBED_JOB, {"project_id": asked.pk})]
    assert jobs.run_prompt_embedding(asked.pk) == "without vectors"
    assert "because the base model's folder is gone" in note(asked)
    assert jobs.run_prompt_embedding(0) == "not now"


def test_the_job_is_known_under_its_name_and_goes_to_the_training_worker() -> None:
    assert jobs.run_prompt_embedding.name == EMBED_JOB
    assert jobs.current_app.amqp.router.route({}, EMBED_JOB)["queue"].name == "gpu"


def test_an_attempt_that_was_cut_off_is_repeated(asked: Project) -> None:
    assert claim_sample(project=asked) == TEXTS and not wanted_projects()
    PromptEmbedding.objects.update(changed_at=timezone.now() - timedelta(hours=2))
    assert wanted_projects() == [asked.pk]
    assert claim_sample(project=asked) == TEXTS and claim_sample(project=asked) is None


def test_a_model_that_is_too_large_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with (tmp_path / "model.safetensors").open("wb") as file:
        file.truncate(5 << 30)
    with pytest.raises(CannotEmbed, match=r"too large for it \(5.0 GiB, at most 4\)"):
        embed_prompts(["a"], folder=tmp_path)


@pytest.mark.parametrize(
    ("script", "seconds", "words"),
    [
        ("import time; time.sleep(600)", 1, "not done within"),
        ("print('[1]')", 240, "cannot be read"),
        ("print('{\"embedding\": [1, 2]}')", 240, "gave 1 vectors for"),
        ("raise SystemExit(7)", 240, "exit code 7"),
    ],
)
def test_what_a_bad_process_leaves_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, seconds: int, words: str
) -> None:
    use_program(tmp_path, monkeypatch, script)
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setattr(prompt_vectors, "GRACE_SECONDS", 1)
    with pytest.raises(CannotEmbed, match=words):
        embed_prompts(["a"], folder=tmp_path, seconds=seconds)


def test_vectors_that_do_not_fit_are_refused(asked: Project) -> None:
    for bad in (np.ones((3, 2)), np.full((4, 2), np.nan), np.ones(4)):
        with pytest.raises(ValueError, match="vectors of shape"):
            keep_vectors(project=asked, texts=TEXTS, vectors=bad, model="m")
