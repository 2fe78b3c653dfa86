"""Background work of the annotation app. A job parses ids, calls one service and holds no rules of its own."""

from celery import shared_task

from annotation.queueing import enqueue
from annotation.services import slots

__all__ = ["enqueue", "release_expired_leases"]


@shared_task(name="annotation.jobs.release_expired_leases")
def release_expired_leases() -> int:
    """Frees slots whose lease ran out; beat calls it every few seconds."""
    return slots.release_expired_leases()
