"""Where people split: tasks by disagreement, each with everybody's answer side by side."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from annotation.exceptions import ApplicationError
from annotation.models import Criterion, FeedbackKind, Project
from annotation.permissions import Role
from annotation.selectors.split_tasks import ORDER, SplitTask, split_page, things_asked
from annotation.web.edge import open_project, page, project_context
from annotation.web.ladders import align_ladders, letters_of
from annotation.web.task_view import mix_judgments, score_rows


@page()
def show_split_tasks(request: HttpRequest, slug: str) -> HttpResponse:
    """One page of tasks, the widest disagreement first; of one criterion, or without a verdict only."""
    project = open_project(request, slug, Role.REVIEWER)
    asked = request.GET.get("criterion", "")
    unsettled = request.GET.get("verdict") == "no"
    places = {name: request.GET.get(name, "") for name in ("after", "before")}
    fault = ""
    try:
        table = split_page(project=project, asked=asked, unsettled=unsettled, **places)
    except ApplicationError as error:
        fault, asked = error.message, ""
        table = split_page(project=project, unsettled=unsettled)
    criteria = list(Criterion.objects.filter(project=project))
    context = project_context(
        request,
        project,
        "agreement",
        report_page="split_tasks",
        table=table,
        rows=[_lay_out(row, project, criteria, asked) for row in table.rows],
        choices=things_asked(project=project),
        asked=asked,
        unsettled=unsettled,
        fault=fault,
    )
    return render(request, "annotation/split_tasks.html", context, status=400 if fault else 200)


def _lay_out(row: SplitTask, project: Project, criteria: list[Criterion], asked: str) -> dict[str, Any]:
    """What the template draws; people have numbers, not names, as on the page where a reviewer decides."""
    letters = letters_of(row.keys)
    judgments = mix_judgments(row.task, row.judgments)
    rankings = [{"tiers": each.tiers, "bad": each.bad} for each in judgments]
    is_ranked = project.kind == FeedbackKind.RANKING and asked in ("", ORDER)
    wanted = [each for each in criteria if asked in ("", each.name)]
    return {
        "task": row.task,
        "disagreement": row.disagreement,
        "left_out": max(row.task.judgments_given - len(judgments), 0),  # type: ignore[attr-defined]
        "judgments": [{"name": f"Person {number}"} for number in range(1, len(judgments) + 1)],
        "responses": row.keys,
        "steps": align_ladders(rankings, letters) if is_ranked else [],
        "score_rows": score_rows(judgments, wanted, letters),
    }
