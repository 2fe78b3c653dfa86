"""The screens on which people judge. The page carries its first task inside; the scripts fetch the next ones."""

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie

from annotation.api.work import show_outcome
from annotation.exceptions import NotFound
from annotation.models import FeedbackKind, Project
from annotation.quality.signals import FASTEST_CHARACTERS_PER_SECOND
from annotation.selectors.guidelines import version_last_worked_under
from annotation.selectors.habits import my_habits
from annotation.selectors.shortcuts import my_shortcuts
from annotation.selectors.work import my_judgments, my_progress
from annotation.services.slots import acquire_task
from annotation.web.edge import open_project, page, person
from annotation.web.script_modules import modules_of

ENTRIES: dict[str, str] = {FeedbackKind.RANKING: "js/rank.js", FeedbackKind.SCALAR: "js/score.js"}
SHARED_ACTIONS = {
    "submit": "submit",
    "skip": "skip the task",
    "flag": "flag the task to the managers",
    "note": "write a note",
    "quote": "quote the selected words",
    "guidelines": "guidelines",
    "help": "these keys",
    "find": "find in the response",
    "lengths": "how long the responses are",
    "prompt": "fold the prompt, or unfold it",
}
ACTIONS: dict[str, dict[str, str]] = {
    FeedbackKind.RANKING: {
        "compare": "compare the lit response with another",
        "expand": "whole text of the lit response",
        "pin": "keep the lit response in sight",
        "up": "one tier up",
        "down": "one tier down",
        "tie": "tie with the tier above",
        "bad": "not acceptable, or acceptable again",
        "unrank": "unranked again",
        "undo": "undo",
        "redo": "redo",
    },
    FeedbackKind.SCALAR: {"not-applicable": "not applicable, where allowed", "reason": "why this score"},
}
"""Keys that people can choose, in the words of the list of keys."""


@page()
@ensure_csrf_cookie
def show_judge(request: HttpRequest, slug: str) -> HttpResponse:
    """The ranking or scoring screen of a project; which one, its kind says."""
    project = open_project(request, slug)
    progress = my_progress(user=person(request), project=project)
    context = {
        **_screen(request, project.kind),
        "project": project,
        "progress": progress,
        "progress_total": progress.judgments + progress.waiting,
        "first_work": _first_work(request, project),
        "habits": asdict(my_habits(user=person(request), project=project)),
        "guideline_since": version_last_worked_under(user=person(request), project=project),
    }
    return render(request, "annotation/judge.html", context)


def _first_work(request: HttpRequest, project: Project) -> dict[str, Any] | None:
    """The task to begin with, leased; None where a browser only looks ahead and nobody may ever read it."""
    if request.method == "HEAD" or "prefetch" in request.headers.get("Sec-Purpose", ""):
        return None
    outcome = acquire_task(project=project, annotator=person(request))
    return show_outcome(outcome, project, with_html=True)


@page()
@ensure_csrf_cookie
def edit_judgment(request: HttpRequest, judgment_id: int) -> HttpResponse:
    """The same screen with one of my judgments on it, to be saved as a new revision."""
    judgment = my_judgments(user=person(request)).filter(pk=judgment_id).first()
    if judgment is None:
        raise NotFound("There is no such judgment of yours, or you have already replaced it by a newer one.")
    project = open_project(request, judgment.project.slug)
    context = {**_screen(request, judgment.kind), "project": project, "judgment": judgment}
    return render(request, "annotation/judge.html", context)


def _screen(request: HttpRequest, kind: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "fastest": FASTEST_CHARACTERS_PER_SECOND,
        "entry": ENTRIES[kind],
        "modules": modules_of(ENTRIES[kind]),
        "shortcuts": my_shortcuts(user=person(request)),
        "actions": [*SHARED_ACTIONS.items(), *ACTIONS[kind].items()],
    }
