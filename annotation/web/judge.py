"""The screens on which people judge: a frame that the scripts fill through the REST API."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie

from annotation.exceptions import NotFound
from annotation.selectors.work import my_judgments, my_progress
from annotation.web.edge import open_project, page, person


@page()
@ensure_csrf_cookie
def show_judge(request: HttpRequest, slug: str) -> HttpResponse:
    """The ranking or scoring screen of a project; which one, its kind says."""
    project = open_project(request, slug)
    progress = my_progress(user=person(request), project=project)
    context = {
        "project": project,
        "kind": project.kind,
        "progress": progress,
        "progress_total": progress.judgments + progress.waiting,
    }
    return render(request, "annotation/judge.html", context)


@page()
@ensure_csrf_cookie
def edit_judgment(request: HttpRequest, judgment_id: int) -> HttpResponse:
    """The same screen with one of my judgments on it, to be saved as a new revision."""
    judgment = my_judgments(user=person(request)).filter(pk=judgment_id).first()
    if judgment is None:
        raise NotFound("There is no such judgment of yours, or you have already replaced it by a newer one.")
    project = open_project(request, judgment.project.slug)
    context = {"project": project, "kind": judgment.kind, "judgment": judgment}
    return render(request, "annotation/judge.html", context)
