"""Parts that pages of the annotation side load by address."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from annotation.exceptions import ApplicationError
from annotation.permissions import Role
from annotation.web.edge import open_project, page, person, project_context
from trainingruns.lifecycle import ACTIVE
from trainingruns.models import Run
from trainingruns.selectors.runs import snapshots_of
from trainingruns.services.snapshots import create_snapshot
from trainingruns.web.forms import SnapshotForm

MOST_SNAPSHOTS = 50


@page("GET", "POST")
def show_snapshots(request: HttpRequest, slug: str) -> HttpResponse:
    """The project's snapshots, and the form that makes one."""
    project = open_project(request, slug, Role.MANAGER)
    if request.method == "POST":
        return _make_snapshot(request, slug)
    snapshots = snapshots_of(project=project)[:MOST_SNAPSHOTS]
    context = project_context(request, project, "data", snapshots=snapshots, form=SnapshotForm())
    return render(request, "trainingruns/_snapshots.html", context)


def _make_snapshot(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug, Role.MANAGER)
    form = SnapshotForm(request.POST)
    if not form.is_valid():
        faults = (f"{name}: {fault}" for name, found in form.errors.items() for fault in found)
        messages.error(request, " ".join(faults))
        return redirect("data", slug=slug)
    try:
        snapshot = create_snapshot(project=project, created_by=person(request), **form.cleaned_data)
    except ApplicationError as error:
        messages.error(request, error.message)
    else:
        messages.success(
            request, f"{snapshot}: {snapshot.train_pairs} pairs to train on, {snapshot.eval_pairs} held out."
        )
    return redirect("data", slug=slug)


@page()
def show_project_runs(request: HttpRequest, slug: str) -> HttpResponse:
    """The runs that go on now, for the project's overview; empty where there are none."""
    project = open_project(request, slug)
    runs = Run.objects.filter(project=project, state__in=ACTIVE).order_by("id")
    return render(request, "trainingruns/_project_runs.html", project_context(request, project, "project", runs=runs))
