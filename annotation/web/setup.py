"""From a preset to a project that people work on: criteria, people, data, open."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from annotation.exceptions import ApplicationError, NotFound
from annotation.models import Criterion, Project
from annotation.permissions import Role
from annotation.services.criteria import add_criterion, change_criterion, remove_criterion
from annotation.services.projects import update_project
from annotation.web.criterion_form import CriterionForm
from annotation.web.edge import address_of, open_project, page, person, project_context
from annotation.web.forms import add_faults


@page("GET", "POST")
def show_setup(request: HttpRequest, slug: str) -> HttpResponse:
    """The steps with what each has, and the button that opens the project."""
    project = open_project(request, slug, Role.MANAGER)
    if request.method == "POST":
        return _open(request, project)
    context = project_context(request, project, "setup", **_steps(project))
    return render(request, "annotation/setup.html", context)


def _open(request: HttpRequest, project: Project) -> HttpResponse:
    is_open = request.POST.get("is_open") == "yes"
    update_project(project=project, actor=person(request), is_open=is_open, address=address_of(request))
    messages.success(request, "The project is open: people are given tasks." if is_open else "The project is closed.")
    return redirect("project" if is_open else "setup", slug=project.slug)


def _steps(project: Project) -> dict[str, Any]:
    members = project.memberships.exclude(role=Role.MANAGER).count()
    return {
        "criteria": list(project.criteria.all()),
        "members": members,
        "invitations": project.invitations.filter(revoked_at=None).count(),
        "tasks": project.tasks.count(),
        "needs_criteria": project.kind == "scalar" and not project.criteria.exists(),
    }


@page("GET", "POST")
def edit_criterion(request: HttpRequest, slug: str, criterion_id: int | None = None) -> HttpResponse:
    """A scale: a new one, or other words for one; the whole scale while nobody has used it."""
    project = open_project(request, slug, Role.MANAGER)
    row = _find(project, criterion_id)
    form = CriterionForm(request.POST if request.method == "POST" else None, instance=row)
    if request.method == "POST" and form.is_valid() and _save(request, project, criterion_id, form):
        return redirect("setup", slug=slug)
    context = project_context(request, project, "setup", form=form, criterion=row)
    return render(request, "annotation/criterion.html", context, status=400 if form.errors else 200)


@page("POST")
def drop_criterion(request: HttpRequest, slug: str, criterion_id: int) -> HttpResponse:
    """Takes a scale out that nobody has used."""
    project = open_project(request, slug, Role.MANAGER)
    try:
        remove_criterion(project=project, criterion_id=criterion_id, actor=person(request), address=address_of(request))
        messages.success(request, "The criterion is gone.")
    except NotFound:
        raise
    except ApplicationError as error:
        messages.error(request, error.message)
    return redirect("setup", slug=slug)


def _find(project: Project, criterion_id: int | None) -> Criterion | None:
    """A row of its own: a form writes into its instance, and nothing of that shall be stored."""
    if criterion_id is None:
        return Criterion(project=project)
    row = Criterion.objects.filter(project=project, pk=criterion_id).first()
    if row is None:
        raise NotFound("There is no such criterion in this project.")
    return row


def _save(request: HttpRequest, project: Project, criterion_id: int | None, form: CriterionForm) -> bool:
    who: dict[str, Any] = {"actor": person(request), "address": address_of(request)}
    try:
        if criterion_id is None:
            add_criterion(project=project, criterion=form.as_changes(), **who)
        else:
            change_criterion(project=project, criterion_id=criterion_id, changes=form.as_changes(), **who)
    except ApplicationError as error:
        add_faults(form, error)
        return False
    messages.success(request, "Saved.")
    return True
