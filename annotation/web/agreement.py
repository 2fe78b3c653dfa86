"""How far people agree, in words, as a picture and as a table."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from annotation.agreement.report import RESAMPLES
from annotation.permissions import Role
from annotation.selectors.reports import is_fresh, latest_report
from annotation.web.agreement_view import describe_agreement, plot_agreement, table_statistics
from annotation.web.edge import open_project, page, project_context

SHOWN_HARD_TASKS = 8
SHOWN_PEOPLE = 100


@page()
def show_agreement(request: HttpRequest, slug: str) -> HttpResponse:
    """The newest report; it is computed in the background after judgments come in, never by this page."""
    project = open_project(request, slug, Role.REVIEWER)
    report = latest_report(project=project)
    context = project_context(request, project, "agreement", report=report)
    if report is not None:
        context |= {
            "fresh": is_fresh(report, project=project),
            "headline": describe_agreement(report.statistics),
            "plot": plot_agreement(report.statistics, gate=project.agreement_gate),
            "statistics": table_statistics(report.statistics),
            "hard_tasks": report.hard_tasks[:SHOWN_HARD_TASKS],
            "people": report.people[:SHOWN_PEOPLE],
            "more_people": max(len(report.people) - SHOWN_PEOPLE, 0),
            "resamples": RESAMPLES,
        }
    return render(request, "annotation/agreement.html", context)
