"""Runs an import that waits: claimed by a conditional UPDATE, kept alive by heartbeats, stored in one transaction.

Rows and final state are written by the same commit, under the fencing token of the claim. So a worker that is killed
leaves nothing, one that was thought dead writes nothing, and the next one begins again from the start of the file.
"""

import socket
import threading
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from annotation.exceptions import ApplicationError
from annotation.importers.line_errors import FileErrors, ImportFileError
from annotation.importers.sources.container import SourceFile
from annotation.importers.sources.row import SourceError
from annotation.models import ImportJob
from annotation.queueing import enqueue
from annotation.selectors.import_previews import open_plan
from annotation.services.import_uploads import RUN_JOB
from annotation.services.importing import ImportSummary, import_prompts

LEASE_SECONDS = 60
HEARTBEAT_SECONDS = 1.0
MOST_ATTEMPTS = 5
KEPT_ERRORS = 1000
SILENT_SECONDS = 120
"""After this long without a statement Postgres ends the transaction of a worker that hangs."""
State = ImportJob.State


class ImportCancelled(Exception):
    """A person asked to end the import."""


class LeaseLost(Exception):
    """The import belongs to another claim now; nothing may be written."""


def run_import(*, import_job_id: int) -> str | None:
    """Works on an import from claim to end. Returns its state, or None when it wasn't waiting."""
    job = claim_import(import_job_id)
    if job is None:
        return None
    try:
        with ImportWatch(job) as watch:
            _store(job, watch)
    except LeaseLost:
        return None
    except ImportCancelled:
        _finish(job, state=State.CANCELLED, reason="Cancelled; nothing was stored.")
    except ImportFileError as error:
        _finish(job, state=State.FAILED, **_describe(error))
    except (SourceError, ApplicationError) as error:
        _finish(job, state=State.FAILED, reason=str(error)[:500])
    except Exception as error:
        _finish(job, state=State.ERROR, reason=f"Nothing was imported. Our fault: {type(error).__name__}.")
        raise
    return ImportJob.objects.values_list("state", flat=True).get(pk=job.pk)


@transaction.atomic
def claim_import(import_job_id: int) -> ImportJob | None:
    """The import, now running under a new fencing token, or None when it isn't waiting (any more)."""
    claimed = ImportJob.objects.filter(pk=import_job_id, state=State.QUEUED).update(
        state=State.RUNNING,
        worker=socket.gethostname()[:200],
        fencing_token=F("fencing_token") + 1,
        attempts=F("attempts") + 1,
        heartbeat_at=Now(),
        lease_expires_at=_lease_end(),
        started_at=Now(),
    )
    return ImportJob.objects.select_related("project", "created_by").get(pk=import_job_id) if claimed else None


def requeue_lost_imports() -> int:
    """Puts imports of lost workers back, and sends every waiting one again: a lost message costs one beat."""
    lost = ImportJob.objects.filter(Q(lease_expires_at__lt=Now()) | Q(lease_expires_at=None), state=State.RUNNING)
    given_up = lost.filter(attempts__gte=MOST_ATTEMPTS).update(
        state=State.ERROR,
        fencing_token=F("fencing_token") + 1,
        finished_at=Now(),
        reason=f"Given up after {MOST_ATTEMPTS} workers were lost; nothing was imported.",
    )
    back = lost.update(state=State.QUEUED, fencing_token=F("fencing_token") + 1, bytes_done=0, counts={})
    for waiting in ImportJob.objects.filter(state=State.QUEUED).values_list("pk", flat=True):
        enqueue(RUN_JOB, import_job_id=waiting)
    return given_up + back


class ImportWatch:
    """Tells the row how far the import is, from a thread with a connection of its own, and hears of a cancel."""

    def __init__(self, job: ImportJob) -> None:
        self._job = job
        self._source: SourceFile | None = None
        self._counts: dict[str, int] = {}
        self._errors = 0
        self._stopped = threading.Event()
        self._is_lost = self._is_cancelled = False
        self._thread = threading.Thread(target=self._beat, name="import-heartbeat", daemon=True)

    def __enter__(self) -> "ImportWatch":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def follow(self, source: SourceFile) -> None:
        """The file whose position is the progress."""
        self._source = source

    def stop(self) -> None:
        """Ends the heartbeats; the lease is long enough for the commit that follows."""
        self._stopped.set()
        self._thread.join()

    def look(self, summary: ImportSummary, errors: FileErrors) -> None:
        """Called between batches. Raises: ImportCancelled, LeaseLost"""
        self._counts, self._errors = asdict(summary), errors.count
        if self._is_lost:
            raise LeaseLost
        if self._is_cancelled:
            raise ImportCancelled

    def _beat(self) -> None:
        try:
            while not self._stopped.wait(HEARTBEAT_SECONDS):
                self._tell()
        finally:
            connection.close()

    def _tell(self) -> None:
        progress: dict[str, Any] = {
            "heartbeat_at": Now(),
            "lease_expires_at": _lease_end(),
            "error_count": self._errors,
        }
        if self._source is not None:
            progress |= {"bytes_done": self._source.bytes_read, "counts": self._counts}
        self._is_lost = not _owned(self._job).update(**progress)
        self._is_cancelled = _owned(self._job).filter(cancel_requested_at__isnull=False).exists()


def _store(job: ImportJob, watch: ImportWatch) -> None:
    """Rows and the final state in one commit; a dry run takes back the rows and keeps the state."""
    errors = FileErrors(keep=KEPT_ERRORS, reads_on=True)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{SILENT_SECONDS}s'")
        with transaction.atomic():
            with open_plan(job, format_name=job.format, mapping=job.mapping) as (plan, source):
                watch.follow(source)
                summary = import_prompts(
                    project=job.project,
                    prompts=plan.read(),
                    actor=job.created_by,
                    infer_criteria=job.infer_criteria,
                    errors=errors,
                    on_batch=watch.look,
                )
            transaction.set_rollback(job.is_dry_run)
        watch.stop()
        reason = "A dry run: everything fits, nothing was kept." if job.is_dry_run else ""
        _finish(job, state=State.SUCCEEDED, counts=asdict(summary), bytes_done=job.size_bytes, reason=reason)


def _describe(error: ImportFileError) -> dict[str, Any]:
    errors = [[each.line, each.field, each.message] for each in error.errors[:KEPT_ERRORS]]
    noun = "error" if error.count == 1 else "errors"
    reason = f"The file has {error.count:,} {noun}; nothing of it was stored."
    return {"errors": errors, "error_count": error.count, "reason": reason}


def _finish(job: ImportJob, **changes: Any) -> None:
    """Raises: LeaseLost when the import is another claim's by now."""
    if not _owned(job).update(**changes, finished_at=Now(), lease_expires_at=None):
        raise LeaseLost


def _owned(job: ImportJob) -> Any:
    return ImportJob.objects.filter(pk=job.pk, fencing_token=job.fencing_token, state=State.RUNNING)


def _lease_end() -> Any:
    return Now() + timedelta(seconds=LEASE_SECONDS)
