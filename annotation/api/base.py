"""What all views of the API share."""

from collections.abc import Collection, Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from annotation.api.authentication import ApiTokenAuthentication, BrowserAuthentication
from annotation.api.bodies import JsonBody
from annotation.api.negotiation import OneAnswer
from annotation.api.pagination import NewestFirst
from annotation.api.throttles import CallThrottle
from annotation.client_address import client_address
from annotation.kinds.faults import FaultList, refuse_unknown_keys
from annotation.models import Project, User
from annotation.permissions import require_role
from annotation.selectors.work import get_project


class ApiView(APIView):
    """A view for people who are signed in. JSON in, JSON out."""

    parser_classes: Sequence[type[BaseParser]] = (JsonBody,)
    authentication_classes: Sequence[type[BaseAuthentication]] = (ApiTokenAuthentication, BrowserAuthentication)
    content_negotiation_class = OneAnswer
    throttle_classes: Sequence[type[BaseThrottle]] = (CallThrottle,)


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
    """Where the call comes from, as the audit trail records it."""
    return client_address(request)


def paginate(
    view: APIView,
    request: Request,
    rows: QuerySet[Any],
    shape: type[BaseSerializer[Any]],
    *,
    pages: type[CursorPagination] = NewestFirst,
    filters: Collection[str] = (),
) -> Response:
    """One page of rows in the given shape.

    filters: the query parameters that were applied to the rows; any other is refused, never passed to the database.
    """
    refuse_unknown_parameters(request, {"cursor", "page_size", *filters})
    paginator = pages()
    page = paginator.paginate_queryset(rows, request, view=view)
    return paginator.get_paginated_response(shape(page, many=True).data)


def refuse_unknown_parameters(request: Request, known: Collection[str]) -> None:
    """Raises: ValidationError naming each query parameter that this address does not have or that holds a NUL."""
    faults = FaultList()
    refuse_unknown_keys(request.query_params, known, faults)
    for name, value in request.query_params.items():
        if "\0" in value:
            faults.add("contains a NUL character; remove it", name)
    if faults.faults:
        raise ValidationError({fault["field"]: [fault["message"]] for fault in faults.faults})
