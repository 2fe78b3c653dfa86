"""One shape for everything that goes wrong: {"code": for machines, "message": for people, "extra": details}."""

import logging
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import set_rollback

from annotation.exceptions import ApplicationError

logger = logging.getLogger(__name__)


class BodyTooLarge(exceptions.APIException):
    """The request body is longer than the site takes."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"


class Unavailable(exceptions.APIException):
    """Something that the request needs is away for now; trying again later is right."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "unavailable"
    default_detail = "The site cannot do this right now. Try again in a moment; nothing was changed."


def handle_exception(error: Exception, context: dict[str, Any]) -> Response:
    """The answer to a request that failed. What we did not foresee is logged and answered without details."""
    set_rollback()
    if isinstance(error, ApplicationError):
        return _respond(error.status, error.code, error.message, error.extra)
    known = _as_api_exception(error)
    if known is None:
        logger.error("unexpected failure in %s", type(context.get("view")).__name__, exc_info=error)
        return _respond(500, "server_error", "Something went wrong on our side. It is in the log; nothing was stored.")
    if isinstance(known, exceptions.ValidationError):
        return _respond_faults(known)
    return _respond(known.status_code, _code(known), str(known.detail), headers=_headers(known))


def _as_api_exception(error: Exception) -> exceptions.APIException | None:
    if isinstance(error, exceptions.APIException):
        return error
    if isinstance(error, Http404):
        return exceptions.NotFound("There is nothing here, or nothing that you may see.")
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, RequestDataTooBig):
        return BodyTooLarge("The request body is too large.")
    if isinstance(error, (OperationalError, InterfaceError)):
        logger.error("database not available", exc_info=error)
        return Unavailable()
    return None


def _code(error: exceptions.APIException) -> str:
    return getattr(error.detail, "code", None) or error.default_code


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers: dict[str, str] = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]
    wait = getattr(error, "wait", None)
    if wait is not None:
        headers["Retry-After"] = str(max(1, int(wait + 0.999)))
    return headers


def _respond(
    http_status: int,
    code: str,
    message: str,
    extra: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    return Response({"code": code, "message": message, "extra": extra or {}}, status=http_status, headers=headers)


def _respond_faults(error: exceptions.ValidationError) -> Response:
    faults = list(_flatten(error.detail, ""))
    first = f"{faults[0]['field']}: {faults[0]['message']}" if faults[0]["field"] else faults[0]["message"]
    rest = f" ({len(faults) - 1} more in extra.faults)" if len(faults) > 1 else ""
    return _respond(error.status_code, "invalid", first + rest, {"faults": faults})


def _flatten(detail: Any, field: str) -> Iterator[dict[str, str]]:
    """Each message of a nested detail with the path of its field, such as `criteria[2].name`."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            place = field if name == "non_field_errors" else f"{field}.{name}".lstrip(".")
            place = f"{field}[{name}]" if isinstance(name, int) else place
            yield from _flatten(inner, place)
    elif isinstance(detail, list):
        for number, inner in enumerate(detail):
            yield from _flatten(inner, f"{field}[{number}]" if isinstance(inner, (dict, list)) and inner else field)
    else:
        yield {"field": field, "message": str(detail)}
