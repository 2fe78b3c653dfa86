"""My work: what waits for me, what I did."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from annotation.exceptions import ApplicationError
from annotation.models import User
from annotation.permissions import may_create_projects
from annotation.selectors.own_work import LISTS, OwnPage, own_work
from annotation.selectors.pauses import paused_projects
from annotation.selectors.quality import own_quality, projects_with_feedback
from annotation.selectors.roles import projects_with_role
from annotation.selectors.work import my_progress
from annotation.web.edge import page, person


@page()
def show_work(request: HttpRequest) -> HttpResponse:
    """The projects of a person with what waits in each, and what they did to look at again."""
    user = person(request)
    told, paused = projects_with_feedback(person=user.pk), paused_projects(person=user)
    entries = [
        (
            project,
            my_progress(user=user, project=project),
            own_quality(project=project, person=user.pk) if project.pk in told else None,
            paused.get(project.pk, ""),
        )
        for project in projects_with_role(user=user)
    ]
    entries.sort(key=lambda entry: (not entry[0].is_open, entry[1].waiting == 0))
    shown, listed, fault = _look_through(request, user)
    context = {
        "entries": entries,
        "listed": listed,
        "shown": shown,
        "lists": LISTS.items(),
        "fault": fault,
        "may_create": may_create_projects(user=user),
    }
    return render(request, "annotation/work.html", context, status=400 if fault else 200)


def _look_through(request: HttpRequest, user: User) -> tuple[str, OwnPage, str]:
    """Which list, the page of it that is asked for, and what was wrong with the question."""
    shown = request.GET.get("show") or "all"
    try:
        places = {name: request.GET.get(name, "") for name in ("after", "before")}
        return shown, own_work(user=user, shown=shown, **places), ""
    except ApplicationError as error:
        return "all", own_work(user=user), error.message
