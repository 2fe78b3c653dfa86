"""What happens in a project right now: tasks by state, who holds which, how fast judgments arrive, when all is done.

Managers keep the board open all day, so each part is a probe of an index but one: counting tasks by state reads every
slot. That count is kept for twenty times as long as it took, so that any number of open boards costs at most a
twentieth of one core of the database.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.utils import timezone
from redis.exceptions import RedisError

from annotation.models import Flag, KeptAnswer, Project, Slot
from annotation.pace import Estimate, Hour, estimate_finish, fill_hours
from annotation.selectors.leases import running_leases

HOURS = 24
KEPT_TIMES = 20
MOST_LEASES = 50
MOST_PEOPLE = 50

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TaskCounts:
    """Tasks by how far they have come."""

    waiting: int
    """Open, nobody has judged them yet."""
    in_progress: int
    """Open, judged, but not as often as wanted."""
    complete: int
    """Open, judged as often as wanted."""
    paused: int
    archived: int
    held: int
    """Skipped by several people; they wait for a manager."""
    given: int
    """Filled slots of open tasks."""
    wanted: int
    """Slots of open tasks that still wait for a judgment, leased ones among them: the depth of the queue."""

    @property
    def tasks(self) -> int:
        """Open tasks."""
        return self.waiting + self.in_progress + self.complete


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody who judged within the last hour."""

    username: str
    pseudonym: str
    is_simulated: bool
    judgments: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class LiveBoard:
    """A project at one moment."""

    at: datetime
    counts: TaskCounts
    leases: Sequence[Slot]
    """The leases that end first, at most MOST_LEASES, with annotator and task at hand."""
    lease_count: int
    hours: list[Hour]
    """The last 24 hours and the current one, oldest first."""
    last_hour: int
    """Judgments that arrived in the last 60 minutes."""
    last_day: int
    workers: list[Worker]
    at_this_pace: Estimate | None
    """When all is judged at the pace of the last hour."""
    at_this_days_pace: Estimate | None
    """The same at the pace of the last 24 hours, nights and breaks included."""
    flags: int
    kept_answers: int


COUNTS = """
SELECT count(*) FILTER (WHERE state = 'open' AND left_over > 0 AND filled = 0),
       count(*) FILTER (WHERE state = 'open' AND left_over > 0 AND filled > 0),
       count(*) FILTER (WHERE state = 'open' AND left_over = 0),
       count(*) FILTER (WHERE state = 'paused'),
       count(*) FILTER (WHERE state = 'archived'),
       count(*) FILTER (WHERE state = 'held'),
       coalesce(sum(filled) FILTER (WHERE state = 'open'), 0)::bigint,
       coalesce(sum(left_over) FILTER (WHERE state = 'open'), 0)::bigint
FROM (
    SELECT t.state, coalesce(s.left_over, 0) AS left_over, coalesce(s.filled, 0) AS filled
    FROM annotation_task t LEFT JOIN (
        SELECT task_id, count(*) FILTER (WHERE state IN ('free', 'leased')) AS left_over,
               count(*) FILTER (WHERE state = 'submitted') AS filled
        FROM annotation_slot WHERE project_id = %(project)s GROUP BY task_id
    ) s ON s.task_id = t.id
    WHERE t.project_id = %(project)s AND t.purpose = 'normal'
) tasks
"""

ARRIVALS = """
SELECT date_trunc('hour', recorded_at, 'UTC'), count(*), count(*) FILTER (WHERE recorded_at > %(hour_ago)s)
FROM annotation_judgment
WHERE recorded_at > %(since)s AND project_id = %(project)s AND is_current AND NOT is_imported GROUP BY 1
"""

WORKERS = """
SELECT u.username, u.pseudonym, u.origin = 'simulated', count(*), max(j.recorded_at)
FROM annotation_judgment j JOIN annotation_user u ON u.id = j.annotator_id
WHERE j.recorded_at > %(hour_ago)s AND j.project_id = %(project)s AND j.is_current AND NOT j.is_imported
GROUP BY u.id ORDER BY count(*) DESC, u.username LIMIT %(most)s
"""


def live_board(*, project: Project, now: datetime | None = None) -> LiveBoard:
    """The project at this moment; seven queries, six while the count of tasks is kept."""
    now = now or timezone.now()
    counts = task_counts(project=project)
    by_hour, last_hour = _arrivals(project, now)
    hours = fill_hours(by_hour, now=now, hours=HOURS)
    last_day = sum(hour.judgments for hour in hours[1:])
    leases = running_leases(project=project)
    wanted = counts.wanted
    return LiveBoard(
        at=now,
        counts=counts,
        leases=list(
            leases.select_related("annotator", "task__prompt").order_by("lease_expires_at", "id")[:MOST_LEASES]
        ),
        lease_count=leases.count(),
        hours=hours,
        last_hour=last_hour,
        last_day=last_day,
        workers=_workers(project, now),
        at_this_pace=estimate_finish(wanted=wanted, given=last_hour, hours=1, now=now),
        at_this_days_pace=estimate_finish(wanted=wanted, given=last_day, hours=HOURS, now=now),
        flags=Flag.objects.filter(task__project=project, resolved_at=None).values("task").distinct().count(),
        kept_answers=KeptAnswer.objects.filter(task__project=project, state=KeptAnswer.State.KEPT).count(),
    )


def task_counts(*, project: Project) -> TaskCounts:
    """Tasks by state, at most as old as twenty times what counting them took; a small project's are always new."""
    key = f"board-counts:{project.pk}"
    known = _recall(key)
    if known is not None:
        return TaskCounts(*known)
    start = perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, {"project": project.pk})
        row = cursor.fetchone()
    _keep(key, row, whole_seconds=int(KEPT_TIMES * (perf_counter() - start)))
    return TaskCounts(*row)


def _recall(key: str) -> Any:
    try:
        return cache.get(key)
    except RedisError as error:
        logger.warning("cannot look up counts: %s", error)
        return None


def _keep(key: str, row: Sequence[int], *, whole_seconds: int) -> None:
    if whole_seconds < 1:
        return
    try:
        cache.set(key, row, timeout=whole_seconds)
    except RedisError as error:
        logger.warning("cannot keep counts: %s", error)


def _arrivals(project: Project, now: datetime) -> tuple[dict[datetime, int], int]:
    """Judgments by the hour in which they arrived, and those of the last 60 minutes."""
    since = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS)
    with connection.cursor() as cursor:
        cursor.execute(ARRIVALS, {"project": project.pk, "since": since, "hour_ago": now - timedelta(hours=1)})
        rows = cursor.fetchall()
    return {hour.astimezone(UTC): count for hour, count, _ in rows}, sum(recent for _, _, recent in rows)


def _workers(project: Project, now: datetime) -> list[Worker]:
    with connection.cursor() as cursor:
        cursor.execute(WORKERS, {"project": project.pk, "hour_ago": now - timedelta(hours=1), "most": MOST_PEOPLE})
        return [Worker(*row) for row in cursor.fetchall()]
