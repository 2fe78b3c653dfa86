"""Previews: a run that trains nothing and shows what one sample would teach."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from annotation.exceptions import ApplicationError
from annotation.models import Membership, Project, User
from tests.trainingruns.test_token_table import PREVIEW
from trainingruns.launcher import trainer_command
from trainingruns.models import ModelVersion, Run, Snapshot
from trainingruns.services.previews import start_preview, start_previewed
from trainingruns.services.runs import start_run
from trainingruns.services.snapshots import create_snapshot
from trainingruns.supervisor import supervise_run

WHOLE = {**PREVIEW, "prompt_id": "7", "stop_tokens": {"2": "<end>"}, "notes": ["the prompt has none"]}
WRITER = "import sys, pathlib; pathlib.Path(sys.argv[1], 'preview.json').write_text(sys.argv[2])"


def write_preview(run: Run, directory: Path) -> list[str]:
    """In place of the trainer, which has tests of its own."""
    return [sys.executable, "-c", WRITER, str(directory), json.dumps(WHOLE)]


@pytest.fixture
def manager(project: Project) -> User:
    user = User.objects.create(username="boss")
    Membership.objects.create(project=project, user=user, role="manager")
    return user


@pytest.fixture
def client(manager: User) -> Client:
    client = Client()
    client.force_login(manager)
    return client


@pytest.fixture
def snapshot(project: Project, base_model: ModelVersion, judge: Callable[..., None]) -> Snapshot:
    for number in range(4):
        judge(f"q{number}")
    return create_snapshot(project=project, eval_share=0.4)


def test_the_form_starts_a_preview_that_leads_to_the_run(client: Client, snapshot: Snapshot) -> None:
    form = {"kind": "dapo", "snapshot": snapshot.pk, "overrides": "reward.brevity_weight=1", "preview": "yes"}
    assert client.post("/projects/p/models/", form).status_code == 302
    run = Run.objects.get()
    assert (run.kind, run.config["kind"], run.config["dynamic_sampling"]["enabled"]) == ("preview", "dapo", True)
    assert trainer_command(run, Path("/r"))[1:] == ["-m", "rltrainer", "preview", "/r", "--save", "--prompt", "0"]

    supervise_run(run_id=run.pk, build_command=write_preview)
    page = client.get(f"/runs/{run.pk}/").content.decode()
    assert "·you" in page and 'class="token learned"' in page and "Start this run" in page
    assert not ModelVersion.objects.filter(run=run).exists()
    Run.objects.filter(pk=run.pk).update(log_tail="sample 0, as dapo takes it")
    assert "End of the log" not in client.get(f"/runs/{run.pk}/").content.decode()

    assert client.post(f"/runs/{run.pk}/start/").status_code == 302
    started = Run.objects.latest("pk")
    assert (started.kind, started.config, started.snapshot) == ("dapo", run.config, snapshot)


def test_another_sample_is_a_preview_of_its_own(client: Client, manager: User, snapshot: Snapshot) -> None:
    run = start_run(
        project=snapshot.project, kind="grpo", snapshot=snapshot, overrides=["reward.brevity_weight=1"],
        purpose={"then": "serve_blind_tasks"}, created_by=manager,
    )  # fmt: skip
    assert client.post(f"/runs/{run.pk}/preview/", {"number": "3"}).status_code == 302
    preview = Run.objects.latest("pk")
    assert preview.purpose == {"then": "serve_blind_tasks", "prompt": 2}
    assert trainer_command(preview, Path("/r"))[-1] == "2"
    assert start_previewed(run=preview, created_by=manager).purpose == {"then": "serve_blind_tasks"}
    client.post(f"/runs/{run.pk}/preview/", {"number": "none"})
    assert Run.objects.filter(kind="preview").count() == 1


def test_what_trains_no_policy_has_no_preview(manager: User, make_run: Callable[..., Run], snapshot: Snapshot) -> None:
    with pytest.raises(ApplicationError, match="nothing to preview"):
        start_preview(run=make_run(), created_by=manager)
    with pytest.raises(ApplicationError, match="no preview"):
        start_run(project=snapshot.project, kind="reward", snapshot=snapshot, is_preview=True)
    with pytest.raises(ApplicationError, match="no kind of run"):
        start_run(project=snapshot.project, kind="preview", snapshot=snapshot)


def test_a_preview_that_cannot_be_made_says_why(client: Client, manager: User, snapshot: Snapshot) -> None:
    run = start_run(
        project=snapshot.project, kind="grpo", snapshot=snapshot, overrides=["reward.brevity_weight=1"],
        is_preview=True, created_by=manager,
    )  # fmt: skip
    words = "import sys; print('bad config: --prompt: there are 4', file=sys.stderr); sys.exit(2)"
    supervise_run(run_id=run.pk, build_command=lambda run, directory: [sys.executable, "-c", words])
    run.refresh_from_db()
    assert run.state == "failed" and "--prompt: there are 4" in run.reason
    page = client.get(f"/runs/{run.pk}/").content.decode()
    assert "--prompt: there are 4" in page and "End of the log" in page
