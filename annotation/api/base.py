"""What all views of the API share."""

from typing import ClassVar

from django.db.models import QuerySet
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from annotation.api.bodies import JsonBody
from annotation.api.pagination import NewestFirst
from annotation.api.throttles import CallThrottle
from annotation.exceptions import NotFound
from annotation.models import Membership, Project, User
from annotation.permissions import require_role
from annotation.selectors.work import projects_for


class ApiView(APIView):
    """A view for people who are signed in. JSON in, JSON out."""

    parser_classes: ClassVar[list[type[BaseParser]]] = [JsonBody]  # type: ignore[misc]
    throttle_classes: ClassVar[list[type[BaseThrottle]]] = [CallThrottle]  # type: ignore[misc]


def get_project(request: Request, slug: str, role: Membership.Role = Membership.Role.ANNOTATOR) -> Project:
    """The project, if the caller has at least this role in it.

    Raises: NotFound for outsiders, whether it exists or not; NotPermitted for members with a lesser role.
    """
    user = person(request)
    project = projects_for(user=user).filter(slug=slug).first()
    if project is None:
        raise NotFound("There is no such project, or you are not a member of it.")
    require_role(user=user, project=project, role=role)
    return project


def person(request: Request) -> User:
    """The caller."""
    assert isinstance(request.user, User), "only views that require sign-in ask for the person"
    return request.user


def address_of(request: Request) -> str | None:
    """Where the call comes from, behind as many proxies as the site was told of."""
    return BaseThrottle().get_ident(request) or None


def paginate(
    view: APIView,
    request: Request,
    rows: "QuerySet[object] | object",
    shape: type[BaseSerializer],  # type: ignore[type-arg]
    pages: type[CursorPagination] = NewestFirst,
) -> Response:
    """One page of rows in the given shape."""
    paginator = pages()
    page = paginator.paginate_queryset(rows, request, view=view)  # type: ignore[arg-type]
    return paginator.get_paginated_response(shape(page, many=True).data)
