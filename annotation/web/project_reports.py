"""The pages of a report's sections: sources and people, bias, data health. They compute nothing."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from annotation.models import FeedbackKind, Project, ProjectReport
from annotation.permissions import Role
from annotation.selectors.project_reports import is_fresh_section, latest_section
from annotation.web.edge import open_project, page, project_context
from annotation.web.figure_files import figure_file
from annotation.web.figures import Figure
from annotation.web.report_figures import (
    checks_figure,
    crowd_figure,
    leanings_figure,
    leanings_of_people_figure,
    sources_figure,
)
from annotation.web.report_words import describe_bias, describe_consensus, describe_health, table_checks, table_effects

SHOWN_PEOPLE = 100


@page()
def show_consensus(request: HttpRequest, slug: str) -> HttpResponse:
    """Sources with intervals, and how reliable each person is."""
    project, report = _open(request, slug, ProjectReport.Section.CONSENSUS)
    content: dict[str, Any] = report.content if report else {"leaderboard": None, "crowd": None, "people": None}
    everybody = content["people"] or []
    figures = {"sources": sources_figure(content), "crowd": crowd_figure(everybody) if everybody else None}
    people = everybody[:SHOWN_PEOPLE]
    more = len(everybody) - len(people) + content.get("people_left_out", 0)
    return _render(
        request, project, report, "consensus", figures, content=content, people=people,
        headline=describe_consensus(content, is_ranking=_is_ranking(project)), more_people=more,
    )  # fmt: skip


@page()
def show_bias(request: HttpRequest, slug: str) -> HttpResponse:
    """What choices and scores follow besides the text."""
    project, report = _open(request, slug, ProjectReport.Section.BIAS)
    content: dict[str, Any] = report.content if report else {"project": [], "people": [], "scores": [], "notes": {}}
    of_people = leanings_of_people_figure(content) if content["people"] else None
    people = [{**each, "effects": table_effects(each["effects"])} for each in content["people"][:SHOWN_PEOPLE]]
    more = len(content["people"]) - len(people) + content.get("people_left_out", 0)
    return _render(
        request, project, report, "bias", {"leanings": leanings_figure(content), "of_people": of_people},
        headline=describe_bias(content, is_ranking=_is_ranking(project)), content=content,
        effects=table_effects(content["project"]), people=people,
        more_people=more,
    )  # fmt: skip


@page()
def show_data_health(request: HttpRequest, slug: str) -> HttpResponse:
    """What is wrong with prompts, responses and judgments, with the rows."""
    project, report = _open(request, slug, ProjectReport.Section.DATA_HEALTH)
    content = report.content if report else {"checks": []}
    return _render(
        request, project, report, "data_health", {"checks": checks_figure(content) if report else None},
        headline=describe_health(content), groups=table_checks(content),
    )  # fmt: skip


def _is_ranking(project: Project) -> bool:
    return project.kind == FeedbackKind.RANKING


def _open(request: HttpRequest, slug: str, section: str) -> tuple[Project, ProjectReport | None]:
    project = open_project(request, slug, Role.MANAGER)
    return project, latest_section(project=project, section=section)


def _render(
    request: HttpRequest,
    project: Project,
    report: ProjectReport | None,
    name: str,
    figures: Mapping[str, Figure | None],
    **more: Any,
) -> HttpResponse:
    """The page, or one of its figures as a file."""
    if report is not None:
        drawn = [each for each in figures.values() if each is not None]
        saved = figure_file(request, drawn, project=project, computed_at=report.computed_at)
        if saved is not None:
            return saved
    fresh = is_fresh_section(report, project=project)
    context = project_context(request, project, "agreement", report=report, fresh=fresh, report_page=name, **more)
    return render(request, f"annotation/{name}.html", {**context, **figures})
