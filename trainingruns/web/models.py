"""Registry pages: all models and runs of a project, and one model with its lineage."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from annotation.exceptions import ApplicationError, NotPermitted
from annotation.permissions import Role, find_role
from annotation.web.edge import open_project, page, person, project_context
from annotation.web.newest import newest_page
from trainingruns.metric_words import metric_chapters
from trainingruns.models import Loop, ModelVersion
from trainingruns.selectors.lineage import lineage
from trainingruns.selectors.registry import champions_of, get_version, versions_of
from trainingruns.selectors.runs import runs_of, snapshots_of
from trainingruns.selectors.verdicts import human_verdicts
from trainingruns.services import comparisons, registry
from trainingruns.services.runs import start_run
from trainingruns.web.forms import ComparisonForm, RunForm
from trainingruns.web.run_view import outcome_context

LIST_ROWS = 20
"""Of the registry and of the runs: the form that starts a run stands below both."""


@page("GET", "POST")
def show_models(request: HttpRequest, slug: str) -> HttpResponse:
    """The registry and the runs, each a page at a time, and the form that starts a run."""
    project = open_project(request, slug, Role.MANAGER if request.method == "POST" else Role.REVIEWER)
    form = RunForm(request.POST or None, project=project)
    if request.method == "POST" and form.is_valid():
        try:
            run = start_run(project=project, created_by=person(request), **form.arguments())
        except ApplicationError as error:
            form.add_refusal(error)
        else:
            return redirect("run", run_id=run.pk)
    context = project_context(
        request,
        project,
        "models",
        form=form,
        champions=champions_of(project=project),
        versions=newest_page(
            versions_of(project=project), before=request.GET.get("versions_before", ""), size=LIST_ROWS
        ),
        runs=newest_page(runs_of(project=project), before=request.GET.get("runs_before", ""), size=LIST_ROWS),
        has_snapshots=snapshots_of(project=project).exists(),
        loop=Loop.objects.filter(project=project).first(),
    )
    return render(request, "trainingruns/models.html", context, status=400 if form.errors else 200)


@page()
def show_version(request: HttpRequest, version_id: int) -> HttpResponse:
    """One model version: figures, stage, and the way back to people's judgments."""
    return _version_page(request, get_version(user=person(request), version_id=version_id))


@page("POST")
def compare_version(request: HttpRequest, version_id: int) -> HttpResponse:
    """Put a policy before people beside another one."""
    version = get_version(user=person(request), version_id=version_id, role=Role.MANAGER)
    try:
        comparisons.check_challenger(version)
        form = ComparisonForm(request.POST, version=version)
        if not form.is_valid():
            return _version_page(request, version, form)
        made = comparisons.compare_policies(version=version, created_by=person(request), **form.arguments())
    except ApplicationError as error:
        messages.error(request, error.message)
        return redirect("model_version", version_id=version.pk)
    return redirect("run", run_id=made.run.pk)


def _version_page(request: HttpRequest, version: ModelVersion, form: ComparisonForm | None = None) -> HttpResponse:
    """form: one with faults to mend."""
    role = find_role(user=person(request), project=version.project) if version.project is not None else None
    context: dict[str, Any] = {
        "version": version,
        "comparison": form or _comparison_form(version, role),
        "root": lineage(version=version, with_judgments=False),
        "nav": "models",
        "project": version.project,
        "role": role,
        **outcome_context(
            version.metrics,
            kind=version.run.kind if version.run else version.kind,
            verdicts=human_verdicts(version=version),
        ),
    }
    has_faults = form is not None and form.errors
    return render(request, "trainingruns/model_version.html", context, status=400 if has_faults else 200)


def _comparison_form(version: ModelVersion, role: str | None) -> ComparisonForm | None:
    """For managers, where the version can be compared with another one."""
    if role != Role.MANAGER:
        return None
    try:
        comparisons.check_challenger(version)
    except ApplicationError:
        return None
    form = ComparisonForm(version=version)
    return form if form.has_rivals() else None


@page()
def show_metric_words(request: HttpRequest) -> HttpResponse:
    """The words of docs/metrics.md."""
    return render(request, "trainingruns/metric_words.html", {"chapters": metric_chapters()})


@page("POST")
def change_stage(request: HttpRequest, version_id: int) -> HttpResponse:
    """Promote or archive a version."""
    version = get_version(user=person(request), version_id=version_id, role=Role.MANAGER)
    if version.project is None:
        raise NotPermitted("A base model belongs to no project.")
    move = registry.archive if request.POST.get("stage") == "archived" else registry.promote
    try:
        move(version=version, actor=person(request))
    except ApplicationError as error:
        messages.error(request, error.message)
    return redirect("model_version", version_id=version.pk)
