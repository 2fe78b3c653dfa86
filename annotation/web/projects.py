"""A project's overview, and making and changing projects."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from annotation.agreement.headline import head_statistics
from annotation.exceptions import ApplicationError, NotPermitted
from annotation.models import Project
from annotation.permissions import Role, may_create_projects
from annotation.presets import PRESETS
from annotation.selectors.boards import project_overview
from annotation.selectors.guidelines import version_last_worked_under
from annotation.selectors.reports import latest_report
from annotation.selectors.work import my_progress
from annotation.services.projects import create_project
from annotation.web.agreement_view import describe_agreement, name_criterion
from annotation.web.edge import address_of, open_project, page, person, project_context
from annotation.web.forms import NewProjectForm, add_faults
from annotation.web.settings_form import SettingsForm, save_settings


@page()
def show_project(request: HttpRequest, slug: str) -> HttpResponse:
    """Where the project stands; for annotators only their own part and the guideline."""
    project = open_project(request, slug)
    progress = my_progress(user=person(request), project=project)
    context = project_context(request, project, "project", progress=progress, criteria=list(project.criteria.all()))
    context["guideline_since"] = version_last_worked_under(user=person(request), project=project)
    if context["role"] != Role.ANNOTATOR:
        context |= {"overview": project_overview(project=project), **_agreement(project)}
    return render(request, "annotation/project.html", context)


@page("GET", "POST")
def make_project(request: HttpRequest) -> HttpResponse:
    """A new project from a preset, closed; the steps to open it follow."""
    if not may_create_projects(user=person(request)):
        raise NotPermitted("Only staff and managers of a project may make projects.")
    form = NewProjectForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        project = _create(request, form)
        if project is not None:
            return redirect("setup", slug=project.slug)
    context = {"form": form, "presets": PRESETS}
    return render(request, "annotation/project_new.html", context, status=400 if form.errors else 200)


@page("GET", "POST")
def change_project(request: HttpRequest, slug: str) -> HttpResponse:
    """All settings of a project."""
    project = open_project(request, slug, Role.MANAGER)
    form = SettingsForm(request.POST if request.method == "POST" else None, instance=Project.objects.get(pk=project.pk))
    if save_settings(request, project, form):
        return redirect("project", slug=slug)
    context = project_context(request, project, "settings", form=form, groups=form.groups())
    return render(request, "annotation/project_settings.html", context, status=400 if form.errors else 200)


def _agreement(project: Project) -> dict[str, Any]:
    report = latest_report(project=project)
    if report is None or not report.judgments:
        return {}
    heads = [{**each, "name": name_criterion(each["criterion"])} for each in head_statistics(report.statistics)]
    return {"report": report, "headline": describe_agreement(report.statistics), "heads": heads}


def _create(request: HttpRequest, form: NewProjectForm) -> Project | None:
    values = form.cleaned_data
    preset = PRESETS[values.pop("preset")]
    try:
        return create_project(
            kind=preset.kind,
            guideline=preset.guideline,
            criteria=preset.criteria,
            is_open=False,
            created_by=person(request),
            address=address_of(request),
            **values,
        )
    except ApplicationError as error:
        add_faults(form, error)
        return None
