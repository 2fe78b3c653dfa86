"""My work: what waits for me, what I did."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from annotation.permissions import may_create_projects
from annotation.selectors.pauses import paused_projects
from annotation.selectors.quality import own_quality, projects_with_feedback
from annotation.selectors.roles import projects_with_role
from annotation.selectors.work import my_judgments, my_progress
from annotation.web.edge import page, person

RECENT = 15


@page()
def show_work(request: HttpRequest) -> HttpResponse:
    """The projects of a person with what waits in each, and their latest judgments to look at again."""
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
    recent = Paginator(my_judgments(user=user), RECENT).get_page(request.GET.get("page"))
    context = {"entries": entries, "recent": recent, "may_create": may_create_projects(user=user)}
    return render(request, "annotation/work.html", context)
