"""Imports as jobs: upload a file, look at it, start, follow, cancel and repeat it."""

from collections.abc import Iterator, Mapping
from typing import IO, Any, cast

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes
from rest_framework import serializers
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import (
    ApiView,
    address_of,
    paginate,
    person,
    refuse_unknown_parameters,
    require_project,
)
from annotation.api.bodies import StrictSerializer, read_body
from annotation.api.pagination import PAGE_PARAMETERS, page_of
from annotation.api.schema import describe
from annotation.api.throttles import ImportThrottle
from annotation.importers.formats.table import FORMATS
from annotation.models import ImportJob
from annotation.permissions import Role
from annotation.selectors.import_previews import get_import, import_jobs
from annotation.services.import_uploads import cancel_import, start_import, upload_import, upload_too_large

CHUNK_BYTES = 256 * 1024
FORMAT_WORDS = " ".join(f"{each.name}: {each.description}" for each in FORMATS.values())


class AnyBody(BaseParser):
    """Gives the body in pieces, unread."""

    media_type = "*/*"

    def parse(  # type: ignore[override]
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Iterator[bytes]:
        request: Request = (parser_context or {})["request"]
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise UnsupportedMediaType("", detail="Send a packed file as it is, without Content-Encoding.")
        if int(request.META.get("CONTENT_LENGTH") or 0) > settings.MAX_IMPORT_BYTES:
            raise upload_too_large()
        return iter(lambda: stream.read(CHUNK_BYTES), b"")


class ImportJobOutput(serializers.ModelSerializer[ImportJob]):
    project = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="What is stored, or was so far.")
    mapping = serializers.DictField(child=serializers.CharField())

    class Meta:
        model = ImportJob
        fields = (
            "id",
            "project",
            "state",
            "file_name",
            "size_bytes",
            "bytes_done",
            "format",
            "mapping",
            "is_dry_run",
            "infer_criteria",
            "counts",
            "error_count",
            "reason",
            "created_at",
            "started_at",
            "finished_at",
        )


class StartImportInput(StrictSerializer):
    format = serializers.ChoiceField(list(FORMATS), required=False, help_text="Recognised where it isn't given.")
    mapping = serializers.DictField(
        child=serializers.CharField(max_length=200), required=False, help_text="Column -> field."
    )
    dry_run = serializers.BooleanField(default=False, help_text="Do everything but keep nothing.")
    infer_criteria = serializers.BooleanField(default=False, help_text="Make criteria of the scores in the file.")


class ImportErrorOutput(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    field = serializers.CharField()
    message = serializers.CharField()


class ImportErrorsOutput(serializers.Serializer[Any]):
    count = serializers.IntegerField(help_text="All errors of the file.")
    faults = ImportErrorOutput(many=True, help_text="The first 1,000.")


class ImportJobsView(ApiView):
    parser_classes = (AnyBody,)
    throttle_classes = (ImportThrottle,)

    @describe(
        "list_imports",
        "The imports of a project, newest first.",
        gives={200: page_of(ImportJobOutput)},
        fails=(400, 403, 404),
        parameters=PAGE_PARAMETERS,
        tag="projects",
    )
    def get(self, request: Request, slug: str) -> Response:
        jobs = import_jobs(project=require_project(request, slug, Role.MANAGER)).select_related("project")
        return paginate(self, request, jobs, ImportJobOutput)

    @describe(
        "upload_import",
        "Upload a file to import: JSON Lines, JSON, CSV or Parquet, packed by gzip or not. Nothing of it is stored in "
        "the project until it is started.",
        request={"application/octet-stream": OpenApiTypes.BINARY},
        gives={201: ImportJobOutput},
        fails=(400, 403, 404, 413, 415),
        parameters=[OpenApiParameter("file_name", str, description="What you call it; only shown.")],
        tag="projects",
    )
    def post(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.MANAGER)
        refuse_unknown_parameters(request, {"file_name"})
        job = upload_import(
            project=project,
            actor=person(request),
            chunks=cast(Iterator[bytes], request.data),
            file_name=request.query_params.get("file_name", "upload"),
            address=address_of(request),
        )
        return Response(ImportJobOutput(job).data, status=201)


class ImportJobView(ApiView):
    @describe(
        "get_import",
        "An import and how far it is.",
        gives={200: ImportJobOutput},
        fails=(403, 404),
        tag="projects",
    )
    def get(self, request: Request, import_job_id: int) -> Response:
        return Response(ImportJobOutput(get_import(user=person(request), import_job_id=import_job_id)).data)


class StartImportView(ApiView):
    throttle_classes = (ImportThrottle,)

    @describe(
        "start_import",
        "Start an uploaded import, or repeat one that ended. All of the file is stored or nothing; what is there "
        f"already is passed over. Formats: {FORMAT_WORDS}",
        request=StartImportInput,
        gives={202: ImportJobOutput},
        fails=(400, 403, 404, 409),
        tag="projects",
    )
    def post(self, request: Request, import_job_id: int) -> Response:
        asked = read_body(request, StartImportInput)
        job = start_import(
            job=get_import(user=person(request), import_job_id=import_job_id),
            actor=person(request),
            format_name=asked.get("format", ""),
            mapping=asked.get("mapping"),
            is_dry_run=asked["dry_run"],
            infer_criteria=asked["infer_criteria"],
            address=address_of(request),
        )
        return Response(ImportJobOutput(job).data, status=202)


class CancelImportView(ApiView):
    @describe(
        "cancel_import",
        "Cancel an import; nothing of it stays. One that runs ends within seconds.",
        request=None,
        gives={202: ImportJobOutput},
        fails=(403, 404, 409),
        tag="projects",
    )
    def post(self, request: Request, import_job_id: int) -> Response:
        job = get_import(user=person(request), import_job_id=import_job_id)
        job = cancel_import(job=job, actor=person(request), address=address_of(request))
        return Response(ImportJobOutput(job).data, status=202)


class ImportErrorsView(ApiView):
    @describe(
        "list_import_errors",
        "What is wrong with the file of a refused import, by line and field.",
        gives={200: ImportErrorsOutput},
        fails=(403, 404),
        tag="projects",
    )
    def get(self, request: Request, import_job_id: int) -> Response:
        job = get_import(user=person(request), import_job_id=import_job_id)
        faults = [dict(zip(("line", "field", "message"), each, strict=True)) for each in job.errors]
        return Response({"count": job.error_count, "faults": faults})
