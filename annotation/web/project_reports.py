"""The pages of a report's sections: sources and people, bias, data health. They compute nothing."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from annotation.models import Project, ProjectReport
from annotation.permissions import Role
from annotation.selectors.project_reports import is_fresh_section, latest_section
from annotation.web.downloads import csv_response, svg_response
from annotation.web.edge import open_project, page, project_context
from annotation.web.report_words import (
    describe_bias,
    describe_consensus,
    describe_health,
    plot_effects,
    plot_sources,
    table_checks,
    table_effects,
)

SHOWN_PEOPLE = 100
SOURCE_COLUMNS = (
    "source", "worth", "low", "high", "win_share", "win_low", "win_high", "best_rank", "worst_rank", "wins", "losses",
    "ties",
)  # fmt: skip
EFFECT_COLUMNS = ("effect", "value", "low", "high", "baseline", "choices", "method", "note")
CHECK_COLUMNS = ("dimension", "check", "count", "of", "value", "note")


@page()
def show_consensus(request: HttpRequest, slug: str) -> HttpResponse:
    """Sources with intervals, and how reliable each person is; as CSV or SVG with `?format=`."""
    project, report = _open(request, slug, ProjectReport.Section.CONSENSUS)
    content: dict[str, Any] = report.content if report else {"leaderboard": None, "crowd": None, "people": None}
    plot = plot_sources(content)
    wanted = request.GET.get("format")
    if wanted == "csv" and content["leaderboard"]:
        rows = content["leaderboard"]["sources"]
        return csv_response(f"{slug}-sources", SOURCE_COLUMNS, _cells(rows, SOURCE_COLUMNS))
    if wanted == "svg" and plot:
        return svg_response(request, f"{slug}-sources", plot)
    people = (content["people"] or [])[:SHOWN_PEOPLE]
    more = len(content["people"] or []) - len(people) + content.get("people_left_out", 0)
    return _render(
        request, project, report, "consensus", headline=describe_consensus(content), plot=plot, content=content,
        people=people, more_people=more,
    )  # fmt: skip


@page()
def show_bias(request: HttpRequest, slug: str) -> HttpResponse:
    """What choices and scores follow besides the text; as CSV or SVG with `?format=`."""
    project, report = _open(request, slug, ProjectReport.Section.BIAS)
    content: dict[str, Any] = report.content if report else {"project": [], "people": [], "scores": [], "notes": {}}
    plot = plot_effects(content)
    wanted = request.GET.get("format")
    if wanted == "csv" and report:
        return csv_response(f"{slug}-bias", ("person", *EFFECT_COLUMNS), _effect_rows(content))
    if wanted == "svg" and plot:
        return svg_response(request, f"{slug}-bias", plot)
    people = [{**each, "effects": table_effects(each["effects"])} for each in content["people"][:SHOWN_PEOPLE]]
    more = len(content["people"]) - len(people) + content.get("people_left_out", 0)
    return _render(
        request, project, report, "bias", headline=describe_bias(content), plot=plot, content=content,
        effects=table_effects(content["project"]), people=people, more_people=more,
    )  # fmt: skip


@page()
def show_data_health(request: HttpRequest, slug: str) -> HttpResponse:
    """What is wrong with prompts, responses and judgments, with the rows; as CSV with `?format=csv`."""
    project, report = _open(request, slug, ProjectReport.Section.DATA_HEALTH)
    content = report.content if report else {"checks": []}
    if request.GET.get("format") == "csv" and report:
        return csv_response(f"{slug}-data-health", CHECK_COLUMNS, _cells(content["checks"], CHECK_COLUMNS))
    return _render(
        request, project, report, "data_health", headline=describe_health(content), groups=table_checks(content)
    )  # fmt: skip


def _open(request: HttpRequest, slug: str, section: str) -> tuple[Project, ProjectReport | None]:
    project = open_project(request, slug, Role.MANAGER)
    return project, latest_section(project=project, section=section)


def _render(
    request: HttpRequest, project: Project, report: ProjectReport | None, name: str, **more: Any
) -> HttpResponse:
    fresh = is_fresh_section(report, project=project)
    context = project_context(request, project, "agreement", report=report, fresh=fresh, report_page=name, **more)
    return render(request, f"annotation/{name}.html", context)


def _cells(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> Iterator[list[Any]]:
    return ([row[column] for column in columns] for row in rows)


def _effect_rows(content: Mapping[str, Any]) -> Iterator[list[Any]]:
    yield from (["project", *cells] for cells in _cells(content["project"], EFFECT_COLUMNS))
    for person in content["people"]:
        yield from ([person["pseudonym"], *cells] for cells in _cells(person["effects"], EFFECT_COLUMNS))
