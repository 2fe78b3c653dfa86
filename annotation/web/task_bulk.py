"""One thing done to many tasks: first the count and a question, then the deed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse

from annotation.exceptions import ApplicationError
from annotation.models import Project
from annotation.permissions import Role
from annotation.selectors.task_filters import TaskFilters
from annotation.services.task_bulk import ACTIONS, TaskSelection
from annotation.web.edge import address_of, open_project, page, person, project_context

LONGEST_ID = 18
QUESTIONS = {
    "prioritize": "Set the priority of {tasks} to {value}?",
    "tag": "Put the tag “{value}” on {tasks}?",
    "untag": "Take the tag “{value}” off {tasks}?",
    "want_judgments": "Ask {value} people to judge each of {tasks}?",
    "open": "Open {tasks}, so that they are given out?",
    "pause": "Pause {tasks}?",
    "archive": "Archive {tasks}?",
    "end_leases": "End all leases of {tasks}?",
    "ask_for_skill": "Let {tasks} ask for {value}?",
    "ask_for_nothing": "Take the required skill off {tasks}?",
}
NOTES = {
    "want_judgments": "Judgments that were given stay, and so do leases that are held.",
    "pause": "Who holds one may still finish it.",
    "archive": "Their judgments stay and still count.",
    "end_leases": "What the holders send before somebody else takes the task still counts.",
}
STATES = {"open": "open", "pause": "paused", "archive": "archived"}


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """What was asked for, as words for the page and as arguments for the service."""

    choice: str
    value: str
    selection: TaskSelection
    arguments: dict[str, Any] = field(default_factory=dict)


@page("POST")
def change_tasks(request: HttpRequest, slug: str) -> HttpResponse:
    """Asks before it acts; asks again when meanwhile another number of tasks fits."""
    project = open_project(request, slug, Role.MANAGER)
    filters = _filters(request.POST)
    back = _back(project, filters)
    try:
        asked = _read(request.POST, project, filters)
        count = asked.selection.tasks().count()
        if request.POST.get("confirmed") == str(count) and count:
            done = _act(asked, request)
            messages.success(request, f"Done for {_tasks(done)}.")
            return redirect(back)
    except ApplicationError as error:
        messages.error(request, error.message)
        return redirect(back)
    if not count:
        messages.error(request, "No task is selected.")
        return redirect(back)
    return render(request, "annotation/tasks_confirm.html", _ask(request, project, asked, count, back))


def _ask(request: HttpRequest, project: Project, asked: BulkRequest, count: int, back: str) -> dict[str, Any]:
    shown = {**asked.arguments, "value": asked.value, "tasks": _tasks(count)}
    if asked.choice == "ask_for_skill":
        shown["value"] = f"{asked.arguments['skill']} at level {asked.arguments['level']}"
    return project_context(
        request,
        project,
        "tasks",
        question=QUESTIONS[asked.choice].format(**shown),
        note=NOTES.get(asked.choice, ""),
        was_asked="confirmed" in request.POST,
        fields=[(name, value) for name in request.POST for value in request.POST.getlist(name) if name not in _OWN],
        count=count,
        back=back,
    )


_OWN = ("csrfmiddlewaretoken", "confirmed")


def _read(form: QueryDict, project: Project, filters: TaskFilters) -> BulkRequest:
    choice, value = form.get("action", ""), form.get("value", "").strip()
    if choice not in QUESTIONS:
        raise ApplicationError("Choose what to do with the tasks.")
    if form.get("scope") == "all":
        selection = TaskSelection(project, filters=filters)
    else:
        selection = TaskSelection(project, ids=[_read_id(each) for each in form.getlist("task")])
    return BulkRequest(choice, value, selection, _arguments(choice, value, form))


def _arguments(choice: str, value: str, form: QueryDict) -> dict[str, Any]:
    match choice:
        case "prioritize":
            return {"priority": _read_number(value, "A priority is a number, for instance 2 or -0.5.")}
        case "tag" | "untag":
            return {"tag": value}
        case "want_judgments":
            return {"wanted": int(_read_number(value, "The judgments wanted are a whole number.", whole=True))}
        case "open" | "pause" | "archive":
            return {"state": STATES[choice]}
        case "ask_for_skill":
            level = _read_number(value or "1", "A level is a whole number from 1 to 5.", whole=True)
            if not form.get("skill"):
                raise ApplicationError("Choose the skill that the tasks shall ask for.")
            return {"skill": form["skill"], "level": int(level)}
        case "ask_for_nothing":
            return {"skill": "", "level": 1}
    return {}


SERVICES = {
    "open": "set_state", "pause": "set_state", "archive": "set_state", "ask_for_nothing": "ask_for_skill",
}  # fmt: skip


def _act(asked: BulkRequest, request: HttpRequest) -> int:
    service = ACTIONS[SERVICES.get(asked.choice, asked.choice)]
    return service(selection=asked.selection, actor=person(request), address=address_of(request), **asked.arguments)


def _filters(form: Mapping[str, str]) -> TaskFilters:
    """The filters of the list that the form stands on, which come with a prefix."""
    return TaskFilters.read({name: form.get(f"filter-{name}") for name in TaskFilters.__slots__})


def _back(project: Project, filters: TaskFilters) -> str:
    query = QueryDict(mutable=True)
    query.update({name: str(value) for name, value in filters.as_mapping().items()})
    return f"{reverse('tasks', args=[project.slug])}?{query.urlencode()}".rstrip("?")


def _read_id(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= LONGEST_ID):
        raise ApplicationError("This is no task of the list.")
    return int(text)


def _read_number(text: str, complaint: str, *, whole: bool = False) -> float:
    try:
        return int(text) if whole else float(text)
    except ValueError:
        raise ApplicationError(complaint) from None


def _tasks(count: int) -> str:
    return f"{count:,} task{'' if count == 1 else 's'}"
