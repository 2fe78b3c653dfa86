"""What every page shares at its edge: sign-in, allowed methods, and our errors in words on a page."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotation.client_address import client_address
from annotation.exceptions import ApplicationError, NotFound, NotPermitted
from annotation.models import Project, User
from annotation.permissions import Role, find_role, require_role
from annotation.selectors.work import get_project

Rest = ParamSpec("Rest")
View = Callable[Concatenate[HttpRequest, Rest], HttpResponse]

TITLES = {403: "You may not do that", 404: "Nothing here", 409: "Something changed meanwhile"}


def page(*methods: str) -> Callable[[View[Rest]], View[Rest]]:
    """Makes a view a page for people who are signed in; without methods it only answers GET."""
    allowed = list(methods) or ["GET"]

    def wrap(view: View[Rest]) -> View[Rest]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponse:
            try:
                return view(request, *args, **kwargs)
            except ApplicationError as error:
                return show_error(request, error)

        return never_cache(require_http_methods([*allowed, "HEAD"])(login_required(guarded)))

    return wrap


def show_error(request: HttpRequest, error: ApplicationError) -> HttpResponse:
    """The error as a page. What a form of ours asked for in vain brings people back to the form, with the reason."""
    if request.method == "POST" and not isinstance(error, NotFound | NotPermitted):
        messages.error(request, error.message)
        return HttpResponseRedirect(request.get_full_path())
    context = {"title": TITLES.get(error.status, "That did not work"), "sentence": error.message}
    return render(request, "error.html", context, status=error.status)


def person(request: HttpRequest) -> User:
    """Who asks."""
    assert isinstance(request.user, User), "only pages that require sign-in ask for the person"
    return request.user


def address_of(request: HttpRequest) -> str | None:
    """Where the request comes from, as the audit trail records it."""
    return client_address(request)


def open_project(request: HttpRequest, slug: str, role: str = Role.ANNOTATOR) -> Project:
    """The project, if the person has at least this role in it.

    Raises: NotFound for outsiders, NotPermitted for members with a lesser role.
    """
    project = get_project(user=person(request), slug=slug)
    require_role(user=person(request), project=project, role=role)
    return project


def project_context(request: HttpRequest, project: Project, nav: str, **more: Any) -> dict[str, Any]:
    """What base.html needs to draw a project's header, with what the page adds."""
    return {"project": project, "role": find_role(user=person(request), project=project), "nav": nav, **more}
