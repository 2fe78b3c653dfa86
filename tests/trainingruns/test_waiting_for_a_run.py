"""`run --wait` when the worker goes: the command looks again, and works on the run itself where nobody else will."""

import signal
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from io import StringIO
from types import FrameType

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from tests.trainingruns.conftest import fake_command
from trainingruns.management.commands import run as command
from trainingruns.models import Run, Snapshot
from trainingruns.supervisor import supervise_run

PATIENCE_SECONDS = 120


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A trainer in miniature, looks without pauses, and an end to a command that waits for ever."""

    def give_up(number: int, frame: FrameType | None) -> None:
        raise AssertionError("it waits for ever")

    monkeypatch.setattr("trainingruns.supervisor.FOLLOW_SECONDS", 0.1)
    monkeypatch.setattr(command, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(command, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(command, "supervise_run", partial(supervise_run, build_command=fake_command(steps=2)))
    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def wait_for_sample(snapshot: Snapshot) -> tuple[Run, str]:
    """The run, and what the command wrote beside it."""
    told = StringIO()
    call_command("run", "sample", "--snapshot", str(snapshot.pk), "--wait", stdout=StringIO(), stderr=told)
    return Run.objects.get(), told.getvalue()


def test_a_worker_that_goes_before_it_took_the_run_is_missed(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([True, True, False])
    monkeypatch.setattr(command, "worker_is_alive", lambda: next(answers))
    run, told = wait_for_sample(snapshot)
    assert (run.state, run.step) == ("succeeded", 2)
    assert told == f"No worker listens on the queue gpu: {run} is worked on in this process.\n"


def test_a_run_whose_worker_gives_no_sign_of_life_is_taken_up(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def claim_and_die() -> bool:
        ended = Now() - timedelta(seconds=1)
        waiting = Run.objects.filter(state="queued", worker="", reason="")
        return bool(waiting.update(state="running", attempts=1, worker="gone", lease_expires_at=ended))

    monkeypatch.setattr(command, "worker_is_alive", claim_and_die)
    run, told = wait_for_sample(snapshot)
    assert run.state == "succeeded"
    assert told.startswith(f"{run}: Its worker gone gave no sign of life for 60 seconds. It goes on from its last")
    assert told.endswith(f"{run} is worked on in this process.\n")


def test_a_run_that_another_worker_ends_is_waited_for(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    def work() -> bool:
        Run.objects.filter(state="queued").update(state="failed", reason="It had no prompts.")
        return True

    monkeypatch.setattr(command, "worker_is_alive", work)
    with pytest.raises(CommandError, match=r"ended as failed: It had no prompts\."):
        wait_for_sample(snapshot)
