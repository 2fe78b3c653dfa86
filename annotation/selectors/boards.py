"""What managers and reviewers see of a whole project."""

from dataclasses import dataclass

from django.db import connection
from django.db.models import QuerySet

from annotation.models import Flag, Judgment, KeptAnswer, Project, Task, User


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
