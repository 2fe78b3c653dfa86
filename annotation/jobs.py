"""Background work of the annotation app. A job parses ids, calls one service and holds no rules of its own."""

from random import Random

from celery import shared_task

from annotation.models import Project, User
from annotation.queueing import enqueue
from annotation.services import (
    import_running,
    import_uploads,
    pauses,
    project_reports,
    reports,
    slots,
    standings,
    task_texts,
)

__all__ = [
    "enqueue",
    "index_task_texts",
    "refresh_agreement_report",
    "refresh_agreement_reports",
    "refresh_report_sections",
    "refresh_standings",
    "release_expired_leases",
    "review_people",
    "review_person",
]


@shared_task(name="annotation.jobs.release_expired_leases")
def release_expired_leases() -> int:
    """Frees slots whose lease ran out; beat calls it every few seconds."""
    return slots.release_expired_leases()


@shared_task(name="annotation.jobs.refresh_standings")
def refresh_standings() -> int:
    """Measures anew who does best what tasks ask for; beat calls it every few minutes."""
    return standings.refresh_all_standings(generator=Random())  # noqa: S311  who comes first is no secret


@shared_task(name="annotation.jobs.refresh_agreement_report")
def refresh_agreement_report(project_id: int) -> None:
    """Brings one project's report up to date; nothing to do where it is fresh or the project is gone."""
    project = Project.objects.filter(pk=project_id).first()
    if project is not None:
        reports.refresh_agreement_report(project=project)


@shared_task(name="annotation.jobs.refresh_agreement_reports")
def refresh_agreement_reports() -> int:
    """Brings the reports of all projects with new judgments up to date; beat calls it."""
    return reports.refresh_stale_reports()


@shared_task(name="annotation.jobs.index_task_texts")
def index_task_texts() -> int:
    """Makes newly imported tasks findable by their text; beat calls it."""
    return task_texts.index_task_texts()


@shared_task(name="annotation.jobs.refresh_report_sections")
def refresh_report_sections() -> int:
    """Brings consensus, bias and data health of all projects up to date; beat calls it."""
    return project_reports.refresh_stale_sections()


@shared_task(name="annotation.jobs.run_import")
def run_import(import_job_id: int) -> str:
    """Works on an import from claim to end. A repeated message finds nothing to claim."""
    return import_running.run_import(import_job_id=import_job_id) or "not ours"


@shared_task(name="annotation.jobs.requeue_lost_imports")
def requeue_lost_imports() -> int:
    """Puts imports of lost workers back and sends waiting ones again; beat calls it."""
    return import_running.requeue_lost_imports()


@shared_task(name="annotation.jobs.remove_old_uploads")
def remove_old_uploads() -> int:
    """Removes the files of imports that ended a week ago; beat calls it."""
    return import_uploads.remove_old_uploads()


@shared_task(name="annotation.jobs.review_person")
def review_person(project_id: int, person_id: int) -> None:
    """Looks at the quality of one person's work after something was measured."""
    project = Project.objects.filter(pk=project_id).first()
    person = User.objects.filter(pk=person_id).first()
    if project is not None and person is not None:
        pauses.review_person(project=project, person=person)


@shared_task(name="annotation.jobs.review_people")
def review_people() -> int:
    """Looks at the work of people whose latest judgments carry signals; beat calls it."""
    return pauses.review_signalled()
