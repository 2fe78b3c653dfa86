"""Tasks that wait for a reviewer's verdict, and what one needs to see of a task."""

from dataclasses import replace

from annotation.exceptions import ApplicationError
from annotation.models import Judgment, Project, Task, Verdict
from annotation.selectors.task_filters import TaskFilters, filter_tasks
from annotation.selectors.task_table import MOST_COUNTED, TaskPage, task_table

SEVERAL = 2
"""From so many skippers on, a reviewer looks."""
LEAST_DISAGREEMENT = 1e-9
QUEUES: dict[str, tuple[TaskFilters, str]] = {
    "disagreement": (TaskFilters(disagreement=LEAST_DISAGREEMENT), "disagreement"),
    "flagged": (TaskFilters(flagged=True), "priority"),
    "skipped": (TaskFilters(skipped=SEVERAL), "priority"),
}
"""Why a task waits: how to find such tasks, and in which order they come. Tasks with a verdict wait no more."""


def adjudication_queue(*, project: Project, why: str = "disagreement", after: str = "", before: str = "") -> TaskPage:
    """A page of the tasks that wait for this reason. Raises: ApplicationError for an unknown one."""
    filters, order = _queue(why)
    return task_table(project=project, filters=filters, order=order, after=after, before=before)


def count_queues(*, project: Project) -> dict[str, int]:
    """How many tasks wait for each reason, counted up to a limit; one query a reason."""
    return {why: filter_tasks(project=project, filters=_queue(why)[0])[:MOST_COUNTED].count() for why in QUEUES}


def next_in_queue(*, project: Project, why: str) -> Task | None:
    """The task to decide on now."""
    rows = adjudication_queue(project=project, why=why).rows
    return rows[0] if rows else None


def current_verdict(*, task: Task) -> Verdict | None:
    """The verdict that stands, with its reviewer at hand."""
    return Verdict.objects.filter(task=task, is_current=True).select_related("reviewer").first()


def earlier_revisions(*, task: Task) -> dict[int, list[Judgment]]:
    """What people said before they amended it, by annotator, newest first."""
    found: dict[int, list[Judgment]] = {}
    for judgment in Judgment.objects.filter(task=task, is_current=False).order_by("-revision"):
        found.setdefault(judgment.annotator_id, []).append(judgment)
    return found


def _queue(why: str) -> tuple[TaskFilters, str]:
    if why not in QUEUES:
        raise ApplicationError(f"No such queue: {why}; use {', '.join(QUEUES)}.", extra={"field": "why"})
    filters, order = QUEUES[why]
    return replace(filters, verdict=False), order
