"""The lifecycle of a run with a real process, a real database and a trainer in miniature."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from tests.trainingruns.conftest import fake_command
from tests.waiting import is_alive, wait_until
from trainingruns.lifecycle import RunState
from trainingruns.models import Run
from trainingruns.services import claims
from trainingruns.supervisor import supervise_run

MakeRun = Callable[..., Run]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainingruns.supervisor.FOLLOW_SECONDS", 0.1)


def directory_of(run: Run, artifacts: Path) -> Path:
    return artifacts / "runs" / str(run.pk)


def steps_done(run: Run, artifacts: Path) -> int:
    """As its trainer has told; none before it tells anything."""
    status = directory_of(run, artifacts) / "status.json"
    return json.loads(status.read_text())["step"] if status.exists() else 0


def once_at_work(run: Run, artifacts: Path, act: Callable[[], object]) -> None:
    """Acts beside the supervisor when the trainer has done some steps: one that only starts is deaf to SIGTERM."""

    def wait_and_act() -> None:
        wait_until(lambda: steps_done(run, artifacts) >= 3)
        act()

    threading.Thread(target=wait_and_act).start()


def test_success_brings_result_metrics_and_samples(make_run: MakeRun) -> None:
    run = make_run()
    supervise_run(run_id=run.pk, build_command=fake_command(steps=5))
    run.refresh_from_db()
    assert run.reason == ""
    assert (run.state, run.exit_code, run.step, run.total_steps) == ("succeeded", 0, 5, 5)
    assert run.result["kind"] == "reward"
    assert list(run.metrics.values_list("step", flat=True)) == [1, 2, 3, 4, 5]
    assert run.samples.count() == 5


@pytest.mark.parametrize(("code", "state"), [(2, "failed"), (3, "failed"), (4, "failed"), (1, "error")])
def test_exit_codes_name_whose_fault_it_was(make_run: MakeRun, code: int, state: str) -> None:
    run = make_run()
    supervise_run(run_id=run.pk, build_command=fake_command(exit=code))
    run.refresh_from_db()
    assert (run.state, run.exit_code) == (state, code)
    assert run.reason == "line 3 of train.jsonl has no prompt"


def test_a_program_that_cannot_start_is_our_error_with_its_last_words(make_run: MakeRun) -> None:
    run = make_run()
    supervise_run(
        run_id=run.pk, build_command=lambda run, directory: [sys.executable, "-c", "raise SystemExit('no torch')"]
    )
    run.refresh_from_db()
    assert run.state == "error"
    assert "no torch" in run.reason


def test_a_finished_or_running_run_is_left_alone(make_run: MakeRun) -> None:
    run = make_run(state="running", fencing_token=3)
    assert supervise_run(run_id=run.pk, build_command=fake_command()) is None
    run.refresh_from_db()
    assert run.fencing_token == 3


def test_a_killed_trainer_goes_on_from_its_checkpoint_without_double_metrics(
    make_run: MakeRun, artifacts: Path
) -> None:
    run = make_run()
    command = fake_command(steps=6, kill_self_at=3)
    assert supervise_run(run_id=run.pk, build_command=command) == RunState.QUEUED
    run.refresh_from_db()
    assert "SIGKILL" in run.reason and "goes on from its last checkpoint" in run.reason
    assert supervise_run(run_id=run.pk, build_command=command) == RunState.SUCCEEDED
    assert "resume 2" in (directory_of(run, artifacts) / "starts.log").read_text()
    assert list(run.metrics.values_list("step", flat=True)) == [1, 2, 3, 4, 5, 6]
    assert run.samples.count() == 6


def test_a_run_lost_too_often_is_given_up_in_plain_words(make_run: MakeRun) -> None:
    run = make_run(max_attempts=2)
    command = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    for _ in range(2):
        supervise_run(run_id=run.pk, build_command=lambda run, directory: command)
    run.refresh_from_db()
    assert run.state == "error"
    assert "Given up after 2 attempts" in run.reason


def test_shutdown_of_the_worker_returns_the_run_and_costs_no_attempt(make_run: MakeRun, artifacts: Path) -> None:
    run, shutdown = make_run(), threading.Event()
    once_at_work(run, artifacts, shutdown.set)
    state = supervise_run(run_id=run.pk, shutdown=shutdown, build_command=fake_command(steps=500))
    run.refresh_from_db()
    assert state == run.state == "queued"
    assert run.attempts <= 1 and "shut down" in run.reason
    assert run.checkpoint_step


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("keep", [True, False])
def test_cancel_stops_the_trainer(make_run: MakeRun, artifacts: Path, keep: bool) -> None:
    run = make_run()

    def ask() -> None:
        Run.objects.filter(pk=run.pk).update(cancel_requested_at=timezone.now(), cancel_keeps_checkpoint=keep)
        connection.close()

    once_at_work(run, artifacts, ask)
    assert supervise_run(run_id=run.pk, build_command=fake_command(steps=500)) == RunState.CANCELLED
    run.refresh_from_db()
    assert run.exit_code == (130 if keep else -signal.SIGKILL)
    assert ("checkpoint of step" in run.reason) is keep


def test_a_stubborn_trainer_is_killed_after_the_grace_time(
    make_run: MakeRun, artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainingruns.supervisor.GRACE_SECONDS", 0.3)
    run, shutdown = make_run(), threading.Event()
    once_at_work(run, artifacts, shutdown.set)
    supervise_run(run_id=run.pk, shutdown=shutdown, build_command=fake_command(steps=500, stubborn=1))
    run.refresh_from_db()
    assert run.state == "queued"


@pytest.mark.django_db(transaction=True)
def test_a_lost_lease_stops_the_trainer_and_writes_nothing(make_run: MakeRun, artifacts: Path) -> None:
    run = make_run()

    def steal() -> None:
        Run.objects.filter(pk=run.pk).update(fencing_token=99, reason="another's")
        connection.close()

    once_at_work(run, artifacts, steal)
    assert supervise_run(run_id=run.pk, build_command=fake_command(steps=500)) is None
    run.refresh_from_db()
    assert (run.state, run.reason, run.fencing_token) == ("running", "another's", 99)
    pid = json.loads((directory_of(run, artifacts) / "status.json").read_text())["pid"]
    assert not is_alive(pid)


@pytest.mark.django_db(transaction=True)
def test_of_two_claims_one_wins(make_run: MakeRun) -> None:
    run = make_run()
    won: list[Any] = []

    def claim() -> None:
        won.append(claims.claim_run(run_id=run.pk, worker="w"))
        connection.close()

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each is not None for each in won) == 1


def test_a_run_without_sign_of_life_goes_back_to_the_queue(make_run: MakeRun) -> None:
    expired = timezone.now() - timedelta(seconds=1)
    lost = make_run(state="running", fencing_token=1, attempts=1, lease_expires_at=expired, worker="gpu-1")
    silent = make_run(state="running", fencing_token=1, attempts=1, lease_expires_at=None)
    alive = make_run(state="running", fencing_token=1, lease_expires_at=timezone.now() + timedelta(minutes=1))
    assert set(claims.requeue_lost_runs()) == {lost.pk, silent.pk}
    lost.refresh_from_db()
    alive.refresh_from_db()
    assert (lost.state, lost.fencing_token) == ("queued", 2)
    assert "gpu-1 gave no sign of life" in lost.reason
    assert alive.state == "running"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kill_trainer_too", [False, True])
def test_after_kill_9_of_the_worker_one_trainer_resumes(
    make_run: MakeRun, artifacts: Path, kill_trainer_too: bool
) -> None:
    run = make_run()
    script = Path(__file__).with_name("supervise_once.py")
    worker = subprocess.Popen(
        [sys.executable, str(script), connection.settings_dict["NAME"], str(artifacts), str(run.pk)],
        cwd=Path(__file__).parents[2],
    )
    wait_until(lambda: steps_done(run, artifacts) >= 3)
    trainer = json.loads((directory_of(run, artifacts) / "status.json").read_text())["pid"]
    worker.kill()
    worker.wait()
    if kill_trainer_too:
        os.kill(trainer, signal.SIGKILL)
    # The lease has run out before the old trainer had time to notice: the worst moment for a new claim.
    Run.objects.filter(pk=run.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert claims.requeue_lost_runs() == [run.pk]
    assert supervise_run(run_id=run.pk, build_command=fake_command(steps=12)) == RunState.SUCCEEDED
    assert not is_alive(trainer)
    starts = (directory_of(run, artifacts) / "starts.log").read_text()
    assert "resume" in starts and "double" not in starts
    assert list(run.metrics.values_list("step", flat=True)) == list(range(1, 13))


def test_ctrl_c_in_a_terminal_returns_the_run(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run()
    ticks = iter([False, False])

    class Interrupted:
        def is_set(self) -> bool:
            if next(ticks, None) is None:
                raise KeyboardInterrupt
            return False

    with pytest.raises(KeyboardInterrupt):
        supervise_run(run_id=run.pk, shutdown=Interrupted(), build_command=fake_command(steps=500))
    run.refresh_from_db()
    assert run.state == "queued" and "interrupted" in run.reason
