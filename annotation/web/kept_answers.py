"""Answers that came too late for their slot: a manager takes them or leaves them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from annotation.exceptions import ApplicationError, NotFound
from annotation.permissions import Role
from annotation.selectors.boards import kept_answers
from annotation.services.kept_answers import accept_kept_answer, dismiss_kept_answer
from annotation.web.edge import open_project, page, person, project_context

MOST_SHOWN = 100


@page()
def show_kept_answers(request: HttpRequest, slug: str) -> HttpResponse:
    """What waits for a decision, oldest first."""
    project = open_project(request, slug, Role.MANAGER)
    answers = kept_answers(project=project)[:MOST_SHOWN]
    return render(request, "annotation/kept_answers.html", project_context(request, project, "tasks", answers=answers))


@page("POST")
def decide_kept_answer(request: HttpRequest, slug: str, kept_answer_id: int) -> HttpResponse:
    """Takes the answer as a judgment, or leaves it out."""
    project = open_project(request, slug, Role.MANAGER)
    if not kept_answers(project=project).filter(pk=kept_answer_id).exists():
        raise NotFound("There is no such answer waiting in this project.")
    try:
        if request.POST.get("decision") == "accept":
            accept_kept_answer(manager=person(request), kept_answer_id=kept_answer_id)
            messages.success(request, "Accepted: it counts as a judgment now.")
        else:
            dismiss_kept_answer(manager=person(request), kept_answer_id=kept_answer_id)
            messages.success(request, "Dismissed: it does not count.")
    except ApplicationError as error:
        messages.error(request, error.message)
    return redirect("kept_answers", slug=slug)
