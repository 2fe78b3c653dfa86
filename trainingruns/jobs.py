"""Celery's way in. A message carries an id; the row decides whether there is anything to do."""

import logging
import threading
from typing import Any

from celery import current_app, shared_task
from celery.signals import worker_shutting_down
from django.db import connection, transaction
from kombu.exceptions import OperationalError

from trainingruns.services import claims, loops
from trainingruns.services.runs import RUN_JOB
from trainingruns.supervisor import supervise_run

KICK_SECONDS = 15
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


def _kick(run_id: int) -> None:
    try:
        # Expires with the next beat, so that a busy worker doesn't come back to a heap of the same message.
        current_app.send_task(RUN_JOB, kwargs={"run_id": run_id}, retry=False, expires=KICK_SECONDS)
    except OperationalError as error:
        log.warning("run %s could not be kicked, the next beat tries again: %s", run_id, error)


@shared_task
def evaluate_loops() -> int:
    """Hold every standing order against the newest judgments. Two beats at once do it once."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOOPS_LOCK])
            is_ours = cursor.fetchone()[0]
        return loops.evaluate_loops() if is_ours else 0
