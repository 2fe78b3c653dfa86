"""How far people agree, in words, as a picture and as a table."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from annotation.agreement.report import RESAMPLES
from annotation.permissions import Role
from annotation.selectors.person_figures import figures_page
from annotation.selectors.reports import is_fresh, latest_report
from annotation.web.agreement_view import (
    agreement_figure,
    describe_agreement,
    describe_gate,
    statistics_by_criterion,
    statistics_figure,
)
from annotation.web.edge import open_project, page, project_context
from annotation.web.figure_files import figure_file

SHOWN_HARD_TASKS = 8
SHOWN_PEOPLE = 20


@page()
def show_agreement(request: HttpRequest, slug: str) -> HttpResponse:
    """The newest report; it is computed in the background after judgments come in, never by this page."""
    project = open_project(request, slug, Role.REVIEWER)
    report = latest_report(project=project)
    context = project_context(request, project, "agreement", report=report)
    if report is not None:
        alpha = agreement_figure(report.statistics, gate=project.agreement_gate)
        everything = statistics_figure(report.statistics)
        saved = figure_file(request, [alpha, everything], project=project, computed_at=report.computed_at)
        if saved is not None:
            return saved
        people = figures_page(project=project, most=SHOWN_PEOPLE).records
        context |= {
            "fresh": is_fresh(report, project=project),
            "headline": describe_agreement(report.statistics),
            "gate": describe_gate(report.statistics, gate=project.agreement_gate),
            "alpha": alpha,
            "everything": everything,
            "criteria": statistics_by_criterion(report.statistics),
            "hard_tasks": report.hard_tasks[:SHOWN_HARD_TASKS],
            "people": people,
            "more_people": max(report.annotators - len(people), 0),
            "resamples": RESAMPLES,
        }
    return render(request, "annotation/agreement.html", context)
