"""The one way to start background work: by name, with ids, after the commit."""

import logging

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

QUICK = {"max_retries": 1, "interval_start": 0, "socket_connect_timeout": 2, "socket_timeout": 2}
"""Transport options under which a broker that is down is noticed within seconds; the default waits for its return."""

logger = logging.getLogger(__name__)


def enqueue(job_name: str, **ids: int | str) -> None:
    """Sends a job once the current transaction is committed (at once where there is none).

    job_name: the full name, for instance `annotation.jobs.refresh_agreement_report`.
    The rows in Postgres are the truth and beat looks at them again, so a broker that is down costs time, not work:
    the failure is logged and the caller's write stands.
    """
    transaction.on_commit(lambda: _send(job_name, ids), robust=True)


def _send(job_name: str, ids: dict[str, int | str]) -> None:
    try:
        with current_app.connection_for_write(transport_options=QUICK) as connection:
            current_app.send_task(job_name, kwargs=ids, connection=connection, retry=False)
    except OperationalError as error:
        logger.warning("job %s not sent, beat will find its rows: %s", job_name, error)
