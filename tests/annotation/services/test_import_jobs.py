"""Imports as jobs: claimed once, stored whole or not at all, cancelled and repeated without doubling."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now

from annotation.exceptions import ApplicationError, Conflict, NotFound, NotPermitted
from annotation.importers.line_errors import FileErrors
from annotation.models import AuditEvent, ImportJob, Judgment, Project, Prompt, Task, User
from annotation.services import import_running, import_uploads
from annotation.services.import_running import ImportWatch, claim_import, requeue_lost_imports, run_import
from annotation.services.import_uploads import (
    UploadTooLarge,
    cancel_import,
    import_storage,
    remove_old_uploads,
    shown_name,
    start_import,
    upload_import,
)
from annotation.services.importing import ImportSummary
from tests.factories import make_member, make_project, make_user

# Heartbeats come from a thread with a connection of its own, which sees only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)
State = ImportJob.State


@pytest.fixture(autouse=True)
def _own_storage(imports_folder: Path) -> None:
    """Every test has a folder of its own."""


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def manager(project: Project) -> User:
    return make_member(project, "manager")


def line(number: int, **changes: Any) -> bytes:
    responses = [{"id": "a", "text": "Yes."}, {"id": "b", "text": "No."}]
    judgments = [{"annotator": "rater", "tiers": [["a"], ["b"]]}]
    row = {"external_id": f"q-{number}", "kind": "ranking", "prompt": "Why?", "responses": responses}
    return json.dumps({**row, "judgments": judgments, **changes}).encode() + b"\n"


def upload(project: Project, manager: User, data: bytes, name: str = "x.jsonl") -> ImportJob:
    return upload_import(project=project, actor=manager, chunks=[data], file_name=name)


def run(job: ImportJob, manager: User, **options: Any) -> ImportJob:
    start_import(job=job, actor=manager, **options)
    run_import(import_job_id=job.pk)
    job.refresh_from_db()
    return job


LINES = b"".join(map(line, range(50)))


def test_an_uploaded_file_is_stored_as_a_job(project: Project, manager: User) -> None:
    job = upload(project, manager, LINES, "../../etc/feedback.jsonl")
    assert (job.state, job.file_name, job.size_bytes) == ("uploaded", "feedback.jsonl", len(LINES))
    assert job.stored_name.startswith("imports/")
    assert "feedback" not in job.stored_name
    job = run(job, manager)
    assert (job.state, job.format, job.bytes_done) == ("succeeded", "concord", len(LINES))
    assert (job.counts["tasks"], job.counts["judgments"], Task.objects.count()) == (50, 50, 50)
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"upload_import", "start_import", "import_prompts"} <= actions


def test_a_repeat_changes_nothing(project: Project, manager: User) -> None:
    job = run(upload(project, manager, LINES), manager)
    job = run(job, manager)
    assert (job.state, job.counts["prompts"], job.counts["skipped"]) == ("succeeded", 0, 50)
    assert (Prompt.objects.count(), Judgment.objects.count()) == (50, 50)


def test_a_dry_run_counts_and_keeps_nothing(project: Project, manager: User) -> None:
    job = run(upload(project, manager, LINES), manager, is_dry_run=True)
    assert (job.state, job.counts["tasks"]) == ("succeeded", 50)
    assert not Prompt.objects.exists()
    assert not User.objects.filter(origin="imported").exists()


def test_all_errors_are_counted_and_the_first_are_kept(
    project: Project, manager: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_running, "KEPT_ERRORS", 3)
    broken = b"".join(line(number, prompt=5) for number in range(60, 70))
    job = run(upload(project, manager, LINES + broken + b"{oops\n"), manager)
    assert (job.state, job.error_count, [error[:2] for error in job.errors]) == (
        "failed",
        11,
        [[51, "prompt"], [52, "prompt"], [53, "prompt"]],
    )
    assert "11 errors" in job.reason
    assert not Prompt.objects.exists()


def test_only_one_worker_gets_an_import(project: Project, manager: User) -> None:
    job = start_import(job=upload(project, manager, LINES), actor=manager)
    assert claim_import(job.pk) is not None
    assert claim_import(job.pk) is None
    assert run_import(import_job_id=job.pk) is None


def test_a_killed_worker_leaves_nothing_and_the_next_begins_again(project: Project, manager: User) -> None:
    job = start_import(job=upload(project, manager, LINES), actor=manager)
    lost = claim_import(job.pk)  # and then its process was killed: no heartbeat, no commit
    assert requeue_lost_imports() == 0
    ImportJob.objects.update(lease_expires_at=Now() - timedelta(seconds=1))
    assert requeue_lost_imports() == 1
    assert run_import(import_job_id=job.pk) == "succeeded"
    assert Prompt.objects.count() == 50
    assert lost is not None
    with pytest.raises(import_running.LeaseLost):
        import_running._finish(lost, state=State.CANCELLED)


def test_a_worker_thought_dead_stores_nothing(project: Project, manager: User, monkeypatch: pytest.MonkeyPatch) -> None:
    job = start_import(job=upload(project, manager, LINES), actor=manager)

    def lose(self: ImportWatch, summary: ImportSummary, errors: FileErrors) -> None:
        in_other_thread(lambda: ImportJob.objects.update(fencing_token=99))

    monkeypatch.setattr(ImportWatch, "look", lose)
    assert run_import(import_job_id=job.pk) is None
    assert not Prompt.objects.exists()


def test_an_import_that_is_lost_again_and_again_is_given_up(project: Project, manager: User) -> None:
    job = start_import(job=upload(project, manager, LINES), actor=manager)
    ImportJob.objects.update(state=State.RUNNING, attempts=5, lease_expires_at=Now() - timedelta(seconds=1))
    assert requeue_lost_imports() == 1
    job.refresh_from_db()
    assert (job.state, "Given up" in job.reason) == ("error", True)


def test_a_running_import_is_cancelled_and_can_be_repeated(
    project: Project, manager: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annotation.services.importing.BATCH_PROMPTS", 5)
    monkeypatch.setattr(import_running, "HEARTBEAT_SECONDS", 0.01)
    job = start_import(job=upload(project, manager, LINES), actor=manager)
    look, heard = ImportWatch.look, threading.Event()
    tell = ImportWatch._tell

    def tell_and_note(self: ImportWatch) -> None:
        tell(self)
        if self._is_cancelled:
            heard.set()

    def cancel_then_look(self: ImportWatch, summary: ImportSummary, errors: FileErrors) -> None:
        if summary.prompts == 20:
            in_other_thread(lambda: cancel_import(job=job, actor=manager))
            assert heard.wait(30)
        look(self, summary, errors)

    monkeypatch.setattr(ImportWatch, "_tell", tell_and_note)
    monkeypatch.setattr(ImportWatch, "look", cancel_then_look)
    assert run_import(import_job_id=job.pk) == "cancelled"
    assert not Prompt.objects.exists()
    monkeypatch.setattr(ImportWatch, "look", look)
    job.refresh_from_db()
    assert run(job, manager).state == "succeeded"
    assert (Prompt.objects.count(), Judgment.objects.count()) == (50, 50)


def test_our_fault_is_told_apart_and_raised(project: Project, manager: User, monkeypatch: pytest.MonkeyPatch) -> None:
    job = start_import(job=upload(project, manager, LINES), actor=manager)

    def fail(*_: Any, **__: Any) -> Iterator[None]:
        raise ZeroDivisionError

    monkeypatch.setattr("annotation.services.importing.store_batch", fail)
    with pytest.raises(ZeroDivisionError):
        run_import(import_job_id=job.pk)
    job.refresh_from_db()
    assert (job.state, "ZeroDivisionError" in job.reason) == ("error", True)


def test_a_file_beyond_the_limit_is_refused_and_not_kept(
    project: Project, manager: User, settings: Any, tmp_path: Path
) -> None:
    settings.MAX_IMPORT_BYTES = 1024
    with pytest.raises(UploadTooLarge, match="1,024 bytes"):
        upload(project, manager, bytes(1025))
    assert not ImportJob.objects.exists()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_only_managers_import(project: Project, manager: User) -> None:
    job = upload(project, manager, LINES)
    for role, refused in (("reviewer", NotPermitted), (None, NotFound)):
        person = make_member(project, role) if role else make_user()
        calls: list[Callable[[], Any]] = [
            lambda person=person: upload(project, person, LINES),  # type: ignore[misc]
            lambda person=person: start_import(job=job, actor=person),  # type: ignore[misc]
            lambda person=person: cancel_import(job=job, actor=person),  # type: ignore[misc]
        ]
        for call in calls:
            with pytest.raises(refused):
                call()


def test_a_manager_who_left_imports_nothing(project: Project, manager: User) -> None:
    job = start_import(job=upload(project, manager, LINES), actor=manager)
    manager.memberships.all().delete()
    assert run_import(import_job_id=job.pk) == "failed"
    assert not Prompt.objects.exists()


def test_what_does_not_fit_is_refused_before_it_starts(project: Project, manager: User) -> None:
    job = upload(project, manager, LINES)
    for options in ({"format_name": "csv"}, {"format_name": "concord", "mapping": {"a": "prompt"}}):
        with pytest.raises(ApplicationError):
            start_import(job=job, actor=manager, **options)
    start_import(job=job, actor=manager)
    with pytest.raises(Conflict):
        start_import(job=job, actor=manager)
    cancel_import(job=job, actor=manager)
    with pytest.raises(Conflict, match="finished"):
        cancel_import(job=job, actor=manager)


def test_files_go_after_a_week_and_rows_stay(project: Project, manager: User) -> None:
    job = run(upload(project, manager, LINES), manager)
    fresh = upload(project, manager, LINES)
    ImportJob.objects.filter(pk=job.pk).update(created_at=Now() - timedelta(days=8))
    assert remove_old_uploads() == 1
    assert not import_storage().exists(job.stored_name)
    assert import_storage().exists(fresh.stored_name)
    job.refresh_from_db()
    with pytest.raises(Conflict, match="upload it again"):
        start_import(job=job, actor=manager)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("C:\\data\\x.csv", "x.csv"), ("a\nb\x00.csv", "ab.csv"), ("", "file"), ("x" * 300, "x" * 200)],
)
def test_shown_names_are_harmless(name: str, shown: str) -> None:
    assert shown_name(name) == shown
    assert import_uploads.FOLDER not in shown


def in_other_thread(call: Callable[[], Any]) -> None:
    """Runs with a connection, and so a transaction, of its own."""
    from django.db import connection

    def work() -> None:
        try:
            call()
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
