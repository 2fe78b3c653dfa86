"""The tasks of a project: a table that holds a hundred thousand, and one task with all that was said about it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from annotation.exceptions import ApplicationError, NotFound
from annotation.models import Project, Task
from annotation.permissions import Role
from annotation.selectors.boards import task_judgments
from annotation.selectors.task_filters import STATES, TaskFilters
from annotation.selectors.task_table import ORDERS, task_table
from annotation.services.projects import set_task_state
from annotation.services.verdicts import resolve_flag
from annotation.web.edge import address_of, open_project, page, person, project_context
from annotation.web.task_view import describe_task

STATE_NAMES = {"in_progress": "in progress", "held": "skipped by several, held"}


@page()
def show_tasks(request: HttpRequest, slug: str) -> HttpResponse:
    """One page of tasks, filtered and sorted; managers act on the selected ones or on all that fit."""
    project = open_project(request, slug, Role.REVIEWER)
    order = request.GET.get("order") or "priority"
    # NUL stands in no stored text, and the database takes none.
    given = {name: request.GET.get(name, "").replace("\0", "") for name in TaskFilters.__slots__}
    filters, faults = _read_filters(given)
    try:
        places = {name: request.GET.get(name, "") for name in ("after", "before")}
        table = task_table(project=project, filters=filters, order=order, **places)
    except ApplicationError as error:
        faults.append(error.message)
        table, order = task_table(project=project, filters=filters), "priority"
    context = project_context(
        request,
        project,
        "tasks",
        table=table,
        filters=filters,
        filter_items=filters.as_mapping(),
        faults=faults,
        order=order,
        orders=[(name, each.label) for name, each in ORDERS.items()],
        states=[(state, STATE_NAMES.get(state, state)) for state in STATES if state != "flagged"],
        purposes=Task.Purpose.choices,
        skills=list(project.skills.all()),
        more_filters=bool(set(filters.as_mapping()) - {"search", "state", "tag"}),
    )
    return render(request, "annotation/tasks.html", context, status=400 if faults else 200)


def _read_filters(given: dict[str, str]) -> tuple[TaskFilters, list[str]]:
    """The filters that can be read, and what is wrong with the others."""
    faults = []
    good: dict[str, Any] = {}
    for name, value in given.items():
        try:
            TaskFilters.read({name: value})
            good[name] = value
        except ApplicationError as error:
            faults.append(error.message)
    return TaskFilters.read(good), faults


@page("GET", "POST")
def show_task(request: HttpRequest, slug: str, task_id: int) -> HttpResponse:
    """A task with its responses, where they come from, and every judgment; a manager opens or pauses it."""
    project = open_project(request, slug, Role.REVIEWER)
    task = Task.objects.select_related("prompt", "project").filter(project=project, pk=task_id).first()
    if task is None:
        raise NotFound("There is no such task in this project.")
    if request.method == "POST":
        return _change_state(request, project, task)
    return render(request, "annotation/task.html", project_context(request, project, "tasks", **_describe(task)))


def _change_state(request: HttpRequest, project: Project, task: Task) -> HttpResponse:
    state = request.POST.get("state", "")
    try:
        set_task_state(task=task, state=state, actor=person(request), address=address_of(request))
        messages.success(request, f"The task is now {task.get_state_display().lower()}.")
    except ApplicationError as error:
        messages.error(request, error.message)
    return redirect("task", slug=project.slug, task_id=task.pk)


@page("POST")
def settle_flag(request: HttpRequest, slug: str, flag_id: int) -> HttpResponse:
    """A flag that has been dealt with."""
    project = open_project(request, slug, Role.REVIEWER)
    flag = resolve_flag(project=project, flag_id=flag_id, actor=person(request), address=address_of(request))
    messages.success(request, "The flag is resolved.")
    return redirect("task", slug=slug, task_id=flag.task_id)


def _describe(task: Task) -> dict[str, Any]:
    return {
        **describe_task(task, list(task_judgments(task=task))),
        "flags": list(task.flags.filter(resolved_at=None).select_related("annotator")),
        "settled_flags": list(task.flags.exclude(resolved_at=None).select_related("annotator")),
        "skips": list(task.skips.select_related("annotator").order_by("id")),
        "state_choices": [choice for choice in Task.State.choices if choice[0] not in (task.state, Task.State.HELD)],
    }
