"""What managers and reviewers see of a whole project."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from annotation.exceptions import ApplicationError
from annotation.models import Flag, Judgment, KeptAnswer, Project, Slot, Task, User
from annotation.selectors.task_rows import tasks_with_counts

PAGE_ROWS = 50
MOST_COUNTED = 10_000
STATES = ("waiting", "in_progress", "complete", "paused", "archived", "flagged")


@dataclass(frozen=True, slots=True)
class ProjectOverview:
    """Where a project stands."""

    tasks: int
    """Open tasks: the sum of the next three."""
    waiting: int
    """Nobody has judged them yet."""
    in_progress: int
    """Judged, but not as often as wanted."""
    complete: int
    """Judged as often as wanted."""
    paused: int
    """Paused or archived tasks."""
    judgments: int
    """Current ones."""
    wanted: int
    """Judgments still wanted of the open tasks."""
    people: int
    """Who gave the judgments."""
    last_hour: int
    """Judgments that arrived in the last 60 minutes, imports left out."""
    leases: int
    """People at work: leases that have not run out."""
    kept_answers: int
    """Late answers that wait for a manager."""
    flags: int
    """Tasks with an unresolved flag."""
    simulated_judgments: int


TASK_COUNTS = """
SELECT count(*) FILTER (WHERE state = 'open'),
       count(*) FILTER (WHERE state = 'open' AND left_over > 0 AND filled = 0),
       count(*) FILTER (WHERE state = 'open' AND left_over > 0 AND filled > 0),
       count(*) FILTER (WHERE state = 'open' AND left_over = 0),
       count(*) FILTER (WHERE state <> 'open'),
       coalesce(sum(left_over) FILTER (WHERE state = 'open'), 0)::bigint,
       coalesce(sum(live), 0)::bigint
FROM (
    SELECT t.state,
           count(s.id) FILTER (WHERE s.state IN ('free', 'leased')) AS left_over,
           count(s.id) FILTER (WHERE s.state = 'submitted') AS filled,
           count(s.id) FILTER (WHERE s.state = 'leased' AND s.lease_expires_at > statement_timestamp()) AS live
    FROM annotation_task t LEFT JOIN annotation_slot s ON s.task_id = t.id
    WHERE t.project_id = %(project)s AND t.purpose = 'normal' GROUP BY t.id
) tasks
"""

JUDGMENT_COUNTS = """
SELECT count(*), count(DISTINCT j.annotator_id),
       count(*) FILTER (WHERE NOT j.is_imported AND j.recorded_at > statement_timestamp() - interval '1 hour'),
       count(*) FILTER (WHERE u.origin = %(simulated)s)
FROM annotation_judgment j JOIN annotation_user u ON u.id = j.annotator_id
JOIN annotation_task t ON t.id = j.task_id AND t.purpose = 'normal'
WHERE j.project_id = %(project)s AND j.is_current
"""


def project_overview(*, project: Project) -> ProjectOverview:
    """Counts of tasks, judgments and people; four queries."""
    parameters: dict[str, int | str] = {"project": project.pk, "simulated": User.Origin.SIMULATED.value}
    with connection.cursor() as cursor:
        cursor.execute(TASK_COUNTS, parameters)
        tasks, waiting, in_progress, complete, paused, wanted, leases = cursor.fetchone()
        cursor.execute(JUDGMENT_COUNTS, parameters)
        judgments, people, last_hour, simulated = cursor.fetchone()
    return ProjectOverview(
        tasks=tasks, waiting=waiting, in_progress=in_progress, complete=complete, paused=paused, judgments=judgments,
        wanted=wanted, people=people, last_hour=last_hour, leases=leases, simulated_judgments=simulated,
        kept_answers=KeptAnswer.objects.filter(task__project=project, state=KeptAnswer.State.KEPT).count(),
        flags=Flag.objects.filter(task__project=project, resolved_at=None).values("task").distinct().count(),
    )  # fmt: skip


def judgments_by_hour(*, project: Project, hours: int = 24) -> list[tuple[Any, int]]:
    """(hour, judgments that arrived in it), oldest first; hours without any are absent."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT date_trunc('hour', recorded_at), count(*) FROM annotation_judgment
            WHERE project_id = %s AND is_current AND NOT is_imported AND recorded_at > %s GROUP BY 1 ORDER BY 1
            """,
            [project.pk, timezone.now() - timedelta(hours=hours)],
        )
        return cursor.fetchall()


@dataclass(frozen=True, slots=True)
class TaskPage:
    """One page of a project's tasks."""

    rows: list[Task]
    """Each with `judgments_given`, `judgments_wanted`, `is_flagged` and its prompt."""
    page: int
    has_next: bool
    total: int
    """How many fit the filters, counted up to MOST_COUNTED only."""
    total_is_capped: bool


def task_table(*, project: Project, filters: dict[str, str] | None = None, page: int = 1) -> TaskPage:
    """Tasks by priority; three queries a page, whatever the size of the project.

    filters: {"state": one of STATES, "search": text in the prompt or the id, "origin": as stored}, each optional.
    Raises: ApplicationError naming an unknown filter or state.
    """
    tasks = _filtered(project, dict(filters or {}))
    page = max(page, 1)
    start = (page - 1) * PAGE_ROWS
    # Ids first: the counts are then probed for the rows shown, not for all that a deep page passes over.
    ids = list(tasks.order_by("-priority", "id").values_list("pk", flat=True)[start : start + PAGE_ROWS + 1])
    total = tasks[: MOST_COUNTED + 1].values("pk").count()
    return TaskPage(
        _rows(project, ids[:PAGE_ROWS]),
        page,
        has_next=len(ids) > PAGE_ROWS,
        total=min(total, MOST_COUNTED),
        total_is_capped=total > MOST_COUNTED,
    )


def _rows(project: Project, ids: list[int]) -> list[Task]:
    flagged = Exists(Flag.objects.filter(task=OuterRef("pk"), resolved_at=None))
    rows = tasks_with_counts(project=project).filter(pk__in=ids).select_related("prompt").annotate(is_flagged=flagged)
    return list(rows.order_by("-priority", "id"))


def _filtered(project: Project, filters: dict[str, str]) -> QuerySet[Task]:
    unknown = sorted(set(filters) - {"state", "search", "origin"})
    if unknown:
        raise ApplicationError(f"No such filter: {', '.join(unknown)}.", extra={"field": unknown[0]})
    tasks = Task.objects.filter(project=project, original=None)
    if filters.get("state"):
        tasks = tasks.filter(_state_condition(filters["state"]))
    if filters.get("origin"):
        tasks = tasks.filter(origin=filters["origin"])
    search = filters.get("search", "").strip()
    if search:
        tasks = tasks.filter(Q(external_id__icontains=search) | Q(prompt__messages__icontains=search))
    return tasks


def _state_condition(state: str) -> Q:
    slots = Slot.objects.filter(task=OuterRef("pk"))
    left = Q(Exists(slots.filter(state__in=[Slot.State.FREE, Slot.State.LEASED])))
    begun = Q(Exists(slots.filter(state=Slot.State.SUBMITTED)))
    is_open = Q(state=Task.State.OPEN)
    conditions = {
        "waiting": is_open & left & ~begun,
        "in_progress": is_open & left & begun,
        "complete": is_open & ~left,
        "paused": Q(state=Task.State.PAUSED),
        "archived": Q(state=Task.State.ARCHIVED),
        "flagged": Q(Exists(Flag.objects.filter(task=OuterRef("pk"), resolved_at=None))),
    }
    if state not in conditions:
        raise ApplicationError(f"No such state: {state}; use {', '.join(STATES)}.", extra={"field": "state"})
    return conditions[state]


def task_judgments(*, task: Task) -> QuerySet[Judgment]:
    """What people said about a task, with their pseudonyms at hand."""
    return Judgment.objects.filter(task=task, is_current=True).select_related("annotator").order_by("id")


def kept_answers(*, project: Project) -> QuerySet[KeptAnswer]:
    """Late answers that wait for a manager, oldest first."""
    return (
        KeptAnswer.objects.filter(task__project=project, state=KeptAnswer.State.KEPT)
        .select_related("task__prompt", "annotator")
        .order_by("id")
    )
