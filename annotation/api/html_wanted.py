"""Whether a client wants texts rendered: that takes longer than all the rest of giving out a task."""

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from annotation.api.base import refuse_unknown_parameters
from annotation.exceptions import ApplicationError

HTML_WANTED = OpenApiParameter(
    "html", bool, description="Whether to give texts as sanitised HTML too; by default browsers get it, tokens do not."
)


def wants_html(request: Request) -> bool:
    """Pages show texts as HTML, programs read them as they are, unless `html` says otherwise.

    Raises: ApplicationError where it is neither true nor false.
    """
    refuse_unknown_parameters(request, {"html"})
    said = request.query_params.get("html", "true" if request.auth is None else "false")
    if said not in ("true", "false"):
        raise ApplicationError("html is true or false.", extra={"field": "html"})
    return said == "true"
