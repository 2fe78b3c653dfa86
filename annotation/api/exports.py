"""A project's judgments as preference data, streamed."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes
from rest_framework import serializers
from rest_framework.request import Request

from annotation.api.base import ApiView, address_of, person, refuse_unknown_parameters, require_project
from annotation.api.schema import describe
from annotation.api.throttles import ExportThrottle
from annotation.exports.formats import FORMATS
from annotation.permissions import Role
from annotation.services.exporting import export_project

CHUNK_BYTES = 64 * 1024
VIEWS = sorted({view for each in FORMATS.values() for view in each.views})


class ExportQuery(serializers.Serializer[Any]):
    """The query parameters."""

    format = serializers.ChoiceField(list(FORMATS))
    view = serializers.ChoiceField(VIEWS, default="judgments")
    since = serializers.DateTimeField(required=False)
    exclude_simulated = serializers.BooleanField(default=False)
    exclude_gold = serializers.BooleanField(default=None, allow_null=True)


class ExportView(ApiView):
    throttle_classes = (ExportThrottle,)

    @describe(
        "export_project",
        "Export a project's judgments as JSON Lines, one moment of the project, streamed as it is read. "
        "People appear under their pseudonyms. A failure on the way breaks the connection off: only a response that "
        "ends in order is complete.",
        gives={(200, "application/jsonl"): OpenApiTypes.STR, (200, "text/csv"): OpenApiTypes.STR},
        fails=(400, 403, 404),
        parameters=[
            OpenApiParameter(
                "format",
                enum=list(FORMATS),
                required=True,
                description=" ".join(f"{each.name}: {each.description}" for each in FORMATS.values()),
            ),
            OpenApiParameter("view", enum=VIEWS, description="`judgments` unless said otherwise."),
            OpenApiParameter("since", OpenApiTypes.DATETIME, description="Judgments from this time on."),
            OpenApiParameter("exclude_simulated", bool),
            OpenApiParameter(
                "exclude_gold",
                bool,
                description="Leave out gold tasks, which test people. True unless said otherwise, but for `concord`, a "
                "copy of the whole project. Practice, tests and repeats are in no export.",
            ),
        ],
        tag="projects",
    )
    def get(self, request: Request, slug: str) -> StreamingHttpResponse:
        project = require_project(request, slug, Role.MANAGER)
        asked = _read_query(request)
        name, view = asked.pop("format"), asked.pop("view")
        lines = export_project(
            project=project,
            actor=person(request),
            format_name=name,
            view=view,
            filters=asked,
            address=address_of(request),
        )
        return StreamingHttpResponse(
            join_lines(lines),
            content_type=FORMATS[name].media_type,
            headers={
                "Content-Disposition": f'attachment; filename="{project.slug}-{name}-{view}.{FORMATS[name].extension}"',
                "Cache-Control": "no-store",
                # A proxy that buffers would take the whole export into its memory.
                "X-Accel-Buffering": "no",
            },
        )


def join_lines(lines: Iterable[bytes], *, chunk_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """The first line at once, so that a client sees it is under way; then pieces of about `chunk_bytes`."""
    iterator = iter(lines)
    yield from _first(iterator)
    waiting: list[bytes] = []
    size = 0
    for line in iterator:
        waiting.append(line)
        size += len(line)
        if size >= chunk_bytes:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def _first(iterator: Iterator[bytes]) -> Iterator[bytes]:
    for line in iterator:
        yield line
        return


def _read_query(request: Request) -> dict[str, Any]:
    refuse_unknown_parameters(request, ExportQuery().fields)
    query = ExportQuery(data=request.query_params)
    query.is_valid(raise_exception=True)
    return dict(query.validated_data)
