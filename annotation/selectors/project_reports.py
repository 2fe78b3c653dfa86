"""Stored sections of reports, and which are due."""

from dataclasses import dataclass

from django.db import connection
from django.db.models import Max

from annotation.models import Judgment, Project, ProjectReport, Task, User
from annotation.selectors.report_rests import REST


@dataclass(frozen=True, slots=True)
class Newest:
    """Up to where a project goes."""

    judgment: int
    task: int


def newest_of(*, project: Project) -> Newest:
    """Ids of the newest current judgment and the newest task; 0 where there is none."""
    judgment = Judgment.objects.filter(project=project, is_current=True).aggregate(newest=Max("id"))["newest"]
    task = Task.objects.filter(project=project).aggregate(newest=Max("id"))["newest"]
    return Newest(judgment or 0, task or 0)


def latest_section(*, project: Project, section: str) -> ProjectReport | None:
    """The newest report of a section, fresh or not."""
    return ProjectReport.objects.filter(project=project, section=section).order_by("-id").first()


def is_fresh_section(report: ProjectReport | None, *, project: Project) -> bool:
    """Whether nothing was judged or imported since the report."""
    if report is None:
        return False
    return Newest(report.newest_judgment_id, report.newest_task_id) == newest_of(project=project)


def name_people(*, ids: list[int]) -> dict[int, tuple[str, bool]]:
    """Pseudonym, and whether the person is simulated, by id."""
    rows = User.objects.filter(pk__in=ids).values_list("id", "pseudonym", "origin")
    return {pk: (pseudonym, origin == User.Origin.SIMULATED) for pk, pseudonym, origin in rows}


# Projects without a task have nothing to report.
STALE = """
SELECT p.id, s.section
FROM annotation_project p
CROSS JOIN unnest(%(sections)s::text[]) AS s(section)
CROSS JOIN LATERAL (SELECT max(t.id) AS id FROM annotation_task t WHERE t.project_id = p.id) task
LEFT JOIN LATERAL (
    SELECT j.id FROM annotation_judgment j WHERE j.project_id = p.id AND j.is_current ORDER BY j.id DESC LIMIT 1
) judgment ON true
LEFT JOIN LATERAL (
    SELECT r.newest_judgment_id, r.newest_task_id, r.computed_at, r.seconds FROM annotation_projectreport r
    WHERE r.project_id = p.id AND r.section = s.section ORDER BY r.id DESC LIMIT 1
) report ON true
WHERE task.id IS NOT NULL AND (
    report.seconds IS NULL
    OR (report.newest_judgment_id, report.newest_task_id) <> (coalesce(judgment.id, 0), task.id)
       AND report.computed_at + make_interval(secs => greatest(%(pause)s, %(rest)s * report.seconds))
           <= clock_timestamp()
) AND NOT EXISTS (
    SELECT FROM annotation_projectreport r
    WHERE r.seconds > %(long)s AND r.computed_at + make_interval(secs => %(rest)s * r.seconds) > clock_timestamp()
)
ORDER BY report.computed_at NULLS FIRST, p.id, s.section
"""


def stale_sections(*, pause_seconds: float, long_seconds: float) -> list[tuple[int, str]]:
    """(project, section) of the reports that are due, first those that wait longest.

    long_seconds: reports that took longer keep all others waiting too.
    """
    with connection.cursor() as cursor:
        sections = list(ProjectReport.Section.values)
        cursor.execute(STALE, {"sections": sections, "pause": pause_seconds, "long": long_seconds, "rest": REST})
        return [(row[0], row[1]) for row in cursor.fetchall()]
