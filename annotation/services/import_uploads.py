"""Files that wait to be imported: stored under a name of our own, started, cancelled, and removed after a while."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import PurePosixPath
from tempfile import TemporaryFile
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage, storages
from django.db import transaction
from django.db.models.functions import Now

from annotation.exceptions import ApplicationError, Conflict
from annotation.importers.sources.row import SourceError
from annotation.models import ImportJob, Project, User
from annotation.permissions import Role, require_role
from annotation.queueing import enqueue
from annotation.selectors.import_previews import open_plan
from annotation.services import audit

FOLDER = "imports"
KEPT_DAYS = 7
RUN_JOB = "annotation.jobs.run_import"
State = ImportJob.State
STARTABLE = (State.UPLOADED, State.SUCCEEDED, State.FAILED, State.ERROR, State.CANCELLED)


class UploadTooLarge(ApplicationError):
    """The file is longer than this site takes."""

    code = "too_large"
    status = 413


def upload_import(
    *, project: Project, actor: User, chunks: Iterable[bytes], file_name: str, address: str | None = None
) -> ImportJob:
    """Stores a file; nothing of it is imported yet.

    file_name: what the person calls it; only shown, never a path.
    Raises: NotFound, NotPermitted, UploadTooLarge (with nothing kept); ApplicationError for an empty file.
    """
    require_role(user=actor, project=project, role=Role.MANAGER)
    with TemporaryFile() as copy:
        size = _copy(chunks, copy)
        copy.seek(0)
        stored = import_storage().save(f"{FOLDER}/{uuid4().hex}", File(copy))
    with transaction.atomic():
        job = ImportJob.objects.create(
            project=project, created_by=actor, stored_name=stored, file_name=shown_name(file_name), size_bytes=size
        )
        audit.record(
            actor=actor, action="upload_import", obj=job, project=project, address=address, data={"bytes": size}
        )
    return job


def _copy(chunks: Iterable[bytes], copy: Any) -> int:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > settings.MAX_IMPORT_BYTES:
            raise upload_too_large()
        copy.write(chunk)
    if not size:
        raise ApplicationError("The file is empty.", code="invalid_import")
    return size


def upload_too_large() -> UploadTooLarge:
    """The refusal of a file beyond the limit."""
    most = settings.MAX_IMPORT_BYTES
    return UploadTooLarge(
        f"The file is longer than {most:,} bytes, the most this site takes (MAX_IMPORT_BYTES). Split it, pack it with "
        "gzip, or use manage.py import_judgments.",
        extra={"limit": most},
    )


def shown_name(name: str) -> str:
    """The last part of the name, without what a page or a log could stumble over."""
    last = PurePosixPath(name.replace("\\", "/")).name
    return "".join(letter for letter in last if letter.isprintable())[:200] or "file"


def import_storage() -> Storage:
    """Where uploads lie: with the other artifacts of the site."""
    return storages["artifacts"]


@transaction.atomic
def start_import(
    *,
    job: ImportJob,
    actor: User,
    format_name: str = "",
    mapping: Mapping[str, str] | None = None,
    is_dry_run: bool = False,
    infer_criteria: bool = False,
    address: str | None = None,
) -> ImportJob:
    """Puts an uploaded or a finished import into the queue. Repeating one is safe: what is there is passed over.

    Raises: NotFound, NotPermitted; Conflict while it is under way or its file is gone; ApplicationError for a format
    or a mapping that doesn't fit the file.
    """
    require_role(user=actor, project=job.project, role=Role.MANAGER)
    form = _check_plan(job, format_name, mapping or {})
    changes: dict[str, Any] = {
        "state": State.QUEUED,
        "format": form,
        "mapping": dict(mapping or {}),
        "is_dry_run": is_dry_run,
        "infer_criteria": infer_criteria,
        "bytes_done": 0,
        "counts": {},
        "errors": [],
        "error_count": 0,
        "reason": "",
        "attempts": 0,
        "cancel_requested_at": None,
        "started_at": None,
        "finished_at": None,
    }
    if not ImportJob.objects.filter(pk=job.pk, state__in=STARTABLE).exclude(stored_name="").update(**changes):
        raise Conflict("This import is under way already.")
    audit.record(
        actor=actor,
        action="start_import",
        obj=job,
        project=job.project,
        address=address,
        data={"format": form, "dry_run": is_dry_run},
    )
    enqueue(RUN_JOB, import_job_id=job.pk)
    job.refresh_from_db()
    return job


def _check_plan(job: ImportJob, format_name: str, mapping: Mapping[str, str]) -> str:
    """The format's name, once it is clear that the file can be read in it."""
    if not job.stored_name:
        raise Conflict(f"The file was removed {KEPT_DAYS} days after its upload; upload it again.")
    try:
        with open_plan(job, format_name=format_name or None, mapping=mapping) as (plan, _):
            return plan.form.name
    except SourceError as error:
        raise ApplicationError(str(error), code="invalid_import", extra={"field": "format"}) from None


@transaction.atomic
def cancel_import(*, job: ImportJob, actor: User, address: str | None = None) -> ImportJob:
    """Ends an import; nothing of it stays. One that runs ends within seconds.

    Raises: NotFound, NotPermitted; Conflict when it is finished.
    """
    require_role(user=actor, project=job.project, role=Role.MANAGER)
    waiting = ImportJob.objects.filter(pk=job.pk, state__in=[State.UPLOADED, State.QUEUED])
    ended = waiting.update(state=State.CANCELLED, reason="Cancelled before it began.", finished_at=Now())
    running = ImportJob.objects.filter(pk=job.pk, state=State.RUNNING)
    if not ended and not running.update(cancel_requested_at=Now()):
        raise Conflict("This import is finished.")
    audit.record(actor=actor, action="cancel_import", obj=job, project=job.project, address=address)
    job.refresh_from_db()
    return job


def remove_old_uploads() -> int:
    """Removes the files of imports that ended, or were never started, a week ago; their rows stay."""
    old = ImportJob.objects.filter(created_at__lt=Now() - timedelta(days=KEPT_DAYS), state__in=STARTABLE)
    removed = 0
    for job in old.exclude(stored_name="")[:1000]:
        stored = job.stored_name
        if ImportJob.objects.filter(pk=job.pk, stored_name=stored, state__in=STARTABLE).update(stored_name=""):
            import_storage().delete(stored)
            removed += 1
    return removed
