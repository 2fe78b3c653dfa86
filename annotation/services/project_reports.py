"""Sections of reports: stored feedback -> pure models -> a row."""

import logging
from collections.abc import Callable
from time import perf_counter
from typing import Any

from django.db import connection, transaction

from annotation.models import Project, ProjectReport
from annotation.selectors.project_reports import is_fresh_section, latest_section, newest_of, stale_sections
from annotation.selectors.report_rests import REST
from annotation.services.bias_report import compute_bias
from annotation.services.consensus_report import compute_consensus
from annotation.services.health_report import compute_data_health
from annotation.services.turns import within_turn

logger = logging.getLogger(__name__)
KEPT_REPORTS = 50
"""Of each section; older ones are forgotten."""
PAUSE_SECONDS = 60.0
TURN_SECONDS = 60.0 / REST
"""How long one call refreshes, of the minute until the next. People judge meanwhile, and niceness does not reach the
database's share of the work."""
COMPUTE: dict[str, Callable[..., dict[str, Any]]] = {
    ProjectReport.Section.CONSENSUS: compute_consensus,
    ProjectReport.Section.BIAS: compute_bias,
    ProjectReport.Section.DATA_HEALTH: compute_data_health,
}


@transaction.atomic
def refresh_project_report(*, project: Project, section: str, anew: bool = False) -> ProjectReport:
    """The project's report of a section; a new one only if something was judged or imported since the last.

    anew: compute it in any case, because something else that it shows has changed.
    """
    _wait_for_turn(project, section)
    known = latest_section(project=project, section=section)
    if known is not None and not anew and is_fresh_section(known, project=project):
        return known
    start = perf_counter()
    newest = newest_of(project=project)
    content = COMPUTE[section](project=project)
    report = ProjectReport.objects.create(
        project=project, section=section, content=content, newest_judgment_id=newest.judgment,
        newest_task_id=newest.task, seconds=perf_counter() - start,
    )  # fmt: skip
    _forget_old(project, section)
    return report


def refresh_stale_sections() -> int:
    """Refreshes sections that are due for as long as a turn lasts, and tells how many it took on.

    What was just refreshed waits its pause.
    Raises: ExceptionGroup after all others, when some could not be computed: one odd project keeps nobody waiting.
    """
    due = stale_sections(pause_seconds=PAUSE_SECONDS, long_seconds=TURN_SECONDS)
    projects = Project.objects.in_bulk({project for project, _ in due})
    failures: list[Exception] = []
    done = 0
    for project, section in within_turn(due, seconds=TURN_SECONDS):
        done += 1
        try:
            refresh_project_report(project=projects[project], section=section)
        except Exception as error:
            logger.exception("%s of project %s could not be computed", section, project)
            failures.append(error)
    if failures:
        raise ExceptionGroup("some sections of reports could not be computed", failures)
    return done


def _wait_for_turn(project: Project, section: str) -> None:
    """One report of a section at a time; who waited finds the fresh one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{section}:{project.pk}"])


def _forget_old(project: Project, section: str) -> None:
    rows = ProjectReport.objects.filter(project=project, section=section).order_by("-id")
    old = rows.values_list("id", flat=True)[KEPT_REPORTS : KEPT_REPORTS + 1].first()
    if old is not None:
        rows.filter(id__lte=old).delete()
