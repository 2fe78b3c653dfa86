"""Bringing prompts, responses and judgments into a project."""

from collections.abc import Iterator
from typing import Any, cast

from drf_spectacular.utils import OpenApiTypes
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, address_of, person, require_project
from annotation.api.import_bodies import JsonLinesBody, JsonListBody, NewlineDelimitedBody
from annotation.api.schema import describe
from annotation.api.throttles import ImportThrottle
from annotation.exceptions import ApplicationError
from annotation.importers.concord import read_prompts
from annotation.importers.line_errors import ImportFileError
from annotation.permissions import Role
from annotation.services.importing import import_prompts


class ImportOutput(serializers.Serializer[Any]):
    """What was stored."""

    prompts = serializers.IntegerField()
    responses = serializers.IntegerField()
    tasks = serializers.IntegerField()
    judgments = serializers.IntegerField()
    annotators = serializers.IntegerField(help_text="People named by the judgments.")
    skipped = serializers.IntegerField(help_text="Prompts that were here already with the same content.")


class ImportView(ApiView):
    parser_classes = (JsonLinesBody, NewlineDelimitedBody, JsonListBody)
    throttle_classes = (ImportThrottle,)

    @describe(
        "import_prompts",
        "Import prompts with their responses, and judgments if there are any, in the interchange format: JSON Lines "
        "(`application/jsonl`) or a JSON list. All or nothing; sending the same again changes nothing.",
        request={
            "application/jsonl": OpenApiTypes.STR,
            "application/x-ndjson": OpenApiTypes.STR,
            "application/json": {"type": "array", "items": {"type": "object"}},
        },
        gives={200: ImportOutput},
        fails=(400, 403, 404, 409, 413, 415),
        tag="projects",
    )
    def post(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.MANAGER)
        try:
            summary = import_prompts(
                project=project,
                prompts=read_prompts(cast(Iterator[bytes], request.data)),
                actor=person(request),
                address=address_of(request),
            )
        except ImportFileError as error:
            raise _refuse(error) from error
        return Response(ImportOutput(summary).data)


def _refuse(error: ImportFileError) -> ApplicationError:
    faults = [{"line": each.line, "field": each.field, "message": each.message} for each in error.errors]
    return ApplicationError(
        f"Nothing was imported. {error.errors[0]}",
        code="invalid_import",
        extra={"faults": faults, "more": error.more},
    )
