"""Runs that were paused or stopped go on."""

from collections.abc import Callable

import pytest

from annotation.exceptions import Conflict, NotPermitted
from annotation.models import Membership, Project, User
from tests.trainingruns.conftest import fake_command
from trainingruns.models import Run
from trainingruns.services.resuming import can_resume, resume_run
from trainingruns.supervisor import supervise_run

MakeRun = Callable[..., Run]


@pytest.fixture
def manager(project: Project) -> User:
    user = User.objects.create(username="boss")
    Membership.objects.create(project=project, user=user, role="manager")
    return user


def test_a_stopped_run_goes_on_from_its_checkpoint(make_run: MakeRun, manager: User) -> None:
    run = make_run(state="cancelled", checkpoint_step=4, step=4, reason="paused after step 4: too far", attempts=5)
    resume_run(run=run, actor=manager)
    assert (run.state, run.attempts, run.cancel_requested_at) == ("queued", 0, None)
    assert "boss" in run.reason
    resume_run(run=run, actor=manager)
    assert Run.objects.get().state == "queued"


def test_a_resumed_run_is_worked_on_again(make_run: MakeRun, manager: User) -> None:
    run = make_run(state="cancelled", checkpoint_step=2, step=2)
    resume_run(run=run, actor=manager)
    supervise_run(run_id=run.pk, build_command=fake_command(steps=3, seconds=0.01))
    run.refresh_from_db()
    assert (run.state, run.step) == ("succeeded", 3)


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "cancelled", "checkpoint_step": None},
        {"state": "cancelled", "checkpoint_step": 4, "cancel_keeps_checkpoint": False},
        {"state": "succeeded", "checkpoint_step": 4},
        {"state": "failed", "checkpoint_step": 4},
    ],
)
def test_without_a_checkpoint_there_is_nothing_to_go_on_from(
    make_run: MakeRun, manager: User, fields: dict[str, object]
) -> None:
    run = make_run(**fields)
    assert not can_resume(run)
    with pytest.raises(Conflict, match="cannot go on"):
        resume_run(run=run, actor=manager)


def test_only_a_manager_may(make_run: MakeRun, project: Project) -> None:
    reviewer = User.objects.create(username="eve")
    Membership.objects.create(project=project, user=reviewer, role="reviewer")
    with pytest.raises(NotPermitted):
        resume_run(run=make_run(state="cancelled", checkpoint_step=4), actor=reviewer)
