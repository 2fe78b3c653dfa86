"""Celery's way in. A message carries an id; the row decides whether there is anything to do."""

import logging
import threading
from typing import Any

from celery import current_app, shared_task
from celery.signals import worker_shutting_down
from django.db import connection, transaction
from kombu.exceptions import OperationalError

from annotation.models import Project
from annotation.services.prompt_embeddings import wanted_projects
from trainingruns.services import claims, loops
from trainingruns.services.prompt_embedding import EMBED_JOB, embed_project_prompts, has_base
from trainingruns.services.runs import RUN_JOB
from trainingruns.supervisor import supervise_run

KICK_SECONDS = 15
EMBED_KICK_SECONDS = 60
log = logging.getLogger(__name__)
_shutdown = threading.Event()
# Any fixed number: names the lock that keeps two beats from evaluating standing orders at once.
LOOPS_LOCK = 7_041_776


@worker_shutting_down.connect
def _note_shutdown(**details: Any) -> None:
    _shutdown.set()


@shared_task
def run_training(run_id: int) -> str:
    """Work on a run from claim to end, on the queue `gpu`. A repeated message finds nothing to claim."""
    if _shutdown.is_set():
        return "left for the next worker"
    state = supervise_run(run_id=run_id, shutdown=_shutdown)
    return str(state or "not ours")


@shared_task
def requeue_lost_runs() -> int:
    """Put runs of lost workers back, and kick every queued run: a kick that got lost costs one beat interval."""
    lost = claims.requeue_lost_runs()
    for run_id in claims.queued_run_ids():
        _kick(run_id)
    return len(lost)


@shared_task
def run_prompt_embedding(project_id: int) -> str:
    """Embed the prompts of a project, on the queue `gpu`. A repeated message finds nothing to do."""
    project = Project.objects.filter(pk=project_id).first()
    if project is None or _shutdown.is_set():
        return "not now"
    return "done" if embed_project_prompts(project=project) else "without vectors"


@shared_task
def request_prompt_embeddings() -> int:
    """Kick the embedding of prompts wherever data health waits for it and there is a model; beat calls it."""
    projects = [each for each in Project.objects.filter(pk__in=wanted_projects()) if has_base(project=each)]
    for project in projects:
        _send(EMBED_JOB, EMBED_KICK_SECONDS, project_id=project.pk)
    return len(projects)


def _kick(run_id: int) -> None:
    _send(RUN_JOB, KICK_SECONDS, run_id=run_id)


def _send(job: str, seconds: float, **ids: int) -> None:
    try:
        # Expires with the next beat, so that a busy worker doesn't come back to a heap of the same message.
        current_app.send_task(job, kwargs=ids, retry=False, expires=seconds)
    except OperationalError as error:
        log.warning("%s %s could not be kicked, the next beat tries again: %s", job, ids, error)


@shared_task
def evaluate_loops() -> int:
    """Hold every standing order against the newest judgments. Two beats at once do it once."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOOPS_LOCK])
            is_ours = cursor.fetchone()[0]
        return loops.evaluate_loops() if is_ours else 0
