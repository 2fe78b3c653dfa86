"""Agreement reports as they are stored, and what goes into a new one besides the statistics."""

from dataclasses import dataclass, fields

from django.db import connection
from django.db.models import Max

from annotation.models import AgreementReport, Judgment, Project, User
from annotation.selectors.observations import AS_OF
from annotation.selectors.report_rests import REST


@dataclass(frozen=True, slots=True)
class JudgmentCounts:
    """How much a report stands on."""

    judgments: int
    annotators: int
    tasks: int
    simulated: int
    newest: int
    """Id of the newest current judgment, 0 if there is none."""


@dataclass(frozen=True, slots=True)
class PersonCounts:
    """What one person gave to a project."""

    annotator: int
    pseudonym: str
    judgments: int
    median_active_ms: float | None
    simulated: bool


def latest_report(*, project: Project) -> AgreementReport | None:
    """The newest report, fresh or not."""
    return AgreementReport.objects.filter(project=project).order_by("-id").first()


def newest_judgment_id(*, project: Project) -> int:
    """Id of the newest current judgment; one index probe."""
    newest = Judgment.objects.filter(project=project, is_current=True).aggregate(newest=Max("id"))["newest"]
    return newest or 0


def is_fresh(report: AgreementReport | None, *, project: Project) -> bool:
    """Whether nobody has judged or amended since the report."""
    return report is not None and report.newest_judgment_id == newest_judgment_id(project=project)


# Of what was current when a judgment was the newest, so that all parts of a report know the same judgments.
COUNTS = f"""
SELECT count(*), count(DISTINCT j.annotator_id), count(DISTINCT j.task_id),
       count(*) FILTER (WHERE u.origin = %(simulated)s)
FROM annotation_judgment j JOIN annotation_user u ON u.id = j.annotator_id
JOIN annotation_task t ON t.id = j.task_id AND t.purpose = 'normal'
WHERE j.project_id = %(project)s AND {AS_OF}
"""  # noqa: S608 - a constant

PEOPLE = f"""
SELECT u.id, u.pseudonym, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY j.active_ms), u.origin = %(simulated)s
FROM annotation_judgment j JOIN annotation_user u ON u.id = j.annotator_id
JOIN annotation_task t ON t.id = j.task_id AND t.purpose = 'normal'
WHERE j.project_id = %(project)s AND {AS_OF} AND (%(people)s::bigint[] IS NULL OR u.id = ANY(%(people)s))
GROUP BY u.id ORDER BY count(*) DESC, u.id LIMIT %(most)s
"""  # noqa: S608 - a constant


def count_judgments(*, project: Project, newest: int) -> JudgmentCounts:
    """The counts at the head of a report that knows judgments up to the newest."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, {"project": project.pk, "newest": newest, "simulated": User.Origin.SIMULATED})
        judgments, annotators, tasks, simulated = cursor.fetchone()
    return JudgmentCounts(judgments, annotators, tasks, simulated, newest)


def count_people(*, project: Project, newest: int, most: int, people: list[int] | None = None) -> list[PersonCounts]:
    """The people who judged most, with the median of their active time; of some people only."""
    parameters: dict[str, int | str | list[int] | None] = {
        "project": project.pk, "newest": newest, "simulated": User.Origin.SIMULATED, "most": most, "people": people,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(PEOPLE, parameters)
        return [PersonCounts(*row) for row in cursor.fetchall()]


def counts_of_report(report: AgreementReport) -> JudgmentCounts:
    """The counts at the head of a stored report."""
    return JudgmentCounts(
        judgments=report.judgments, annotators=report.annotators, tasks=report.tasks,
        simulated=report.simulated_judgments, newest=report.newest_judgment_id,
    )  # fmt: skip


def people_of_report(report: AgreementReport) -> list[PersonCounts]:
    """What a stored report says of the people who judged most."""
    names = [each.name for each in fields(PersonCounts)]
    return [PersonCounts(**{name: row[name] for name in names}) for row in report.people]


# Judged since the last report, and rested.
STALE = """
SELECT p.id
FROM annotation_project p
CROSS JOIN LATERAL (
    SELECT j.id FROM annotation_judgment j WHERE j.project_id = p.id AND j.is_current ORDER BY j.id DESC LIMIT 1
) newest
LEFT JOIN LATERAL (
    SELECT r.newest_judgment_id, r.computed_at, r.seconds FROM annotation_agreementreport r
    WHERE r.project_id = p.id ORDER BY r.id DESC LIMIT 1
) report ON true
WHERE (
    report.newest_judgment_id IS NULL
    OR report.newest_judgment_id <> newest.id
       AND report.computed_at + make_interval(secs => greatest(%(pause)s, %(rest)s * report.seconds))
           <= clock_timestamp()
) AND NOT EXISTS (
    SELECT FROM annotation_agreementreport r
    WHERE r.seconds > %(long)s AND r.computed_at + make_interval(secs => %(rest)s * r.seconds) > clock_timestamp()
)
ORDER BY report.computed_at NULLS FIRST, p.id
"""


def stale_projects(*, pause_seconds: float, long_seconds: float) -> list[int]:
    """Ids of the projects whose report is due, first those that wait longest.

    long_seconds: reports that took longer keep all others waiting too.
    """
    with connection.cursor() as cursor:
        cursor.execute(STALE, {"pause": pause_seconds, "long": long_seconds, "rest": REST})
        return [row[0] for row in cursor.fetchall()]
