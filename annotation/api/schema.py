"""What the OpenAPI document says beyond what can be read off the views."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from drf_spectacular.authentication import SessionScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

View = TypeVar("View", bound=Callable[..., Any])

MEANINGS = {
    400: "The request cannot be read or a field is wrong; `extra.faults` lists each with its field.",
    401: "Nobody is signed in, or the token is unknown, expired or revoked.",
    403: "You may see this but not do it.",
    404: "There is no such thing, or none that you may know of.",
    405: "This address does not take that method.",
    409: "The world moved on: a lost lease, a used key, a newer version. `extra` says what stands now.",
    413: "The body is too large.",
    415: "The body is not of a type this address takes.",
    422: "The answer does not fit the task; `extra.faults` lists each fault with its field.",
    429: "Too many calls. `Retry-After` says in how many seconds to go on.",
    503: "The site cannot do this right now; try again.",
}
ALWAYS = (401, 405, 429, 503)

IDEMPOTENCY_KEY = OpenApiParameter(
    name="Idempotency-Key",
    type=str,
    location=OpenApiParameter.HEADER,
    required=True,
    description="A text of your choice, new for every answer, the same for every retry of it.",
)


class ErrorOutput(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="Stable; for machines.")
    message = serializers.CharField(help_text="What is wrong and what to do; for people.")
    extra = serializers.DictField(help_text="Details, by code.")


def describe(
    operation: str,
    text: str,
    *,
    request: Any = None,
    gives: Mapping[Any, Any],
    fails: tuple[int, ...] = (),
    parameters: list[Any] | None = None,
    tag: str,
    is_public: bool = False,
) -> Callable[[View], View]:
    """Documents one operation: what it takes, what it gives, and every way in which it fails.

    operation: the name that generated clients call it by. text: its first sentence becomes the summary.
    """
    summary, _, details = text.partition(". ")
    always = tuple(status for status in ALWAYS if not (is_public and status == 401))
    errors = {status: OpenApiResponse(ErrorOutput, MEANINGS[status]) for status in sorted({*fails, *always})}
    return extend_schema(
        operation_id=operation,
        summary=summary.removesuffix("."),
        description=details or summary,
        request=request,
        responses={**gives, **errors},
        parameters=parameters,
        tags=[tag],
        auth=[] if is_public else None,
    )


class ApiTokenScheme(OpenApiAuthenticationExtension):
    target_class = "annotation.api.authentication.ApiTokenAuthentication"
    match_subclasses = True
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A token from `auth/token` or the page API tokens."}


class BrowserScheme(SessionScheme):
    target_class = "annotation.api.authentication.BrowserAuthentication"
    name = "session"
