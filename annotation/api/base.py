"""What all views of the API share."""

from django.db.models import QuerySet
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from annotation.api.bodies import JsonBody
from annotation.api.pagination import NewestFirst
from annotation.api.throttles import CallThrottle
from annotation.models import Project, User
from annotation.permissions import require_role
from annotation.selectors.work import get_project


class ApiView(APIView):
    """A view for people who are signed in. JSON in, JSON out."""

    parser_classes = (JsonBody,)
    throttle_classes = (CallThrottle,)


def require_project(request: Request, slug: str, role: str) -> Project:
    """The project, if the caller has at least this role in it.

    Raises: NotFound for outsiders, whether it exists or not; NotPermitted for members with a lesser role.
    """
    project = get_project(user=person(request), slug=slug)
    require_role(user=person(request), project=project, role=role)
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
