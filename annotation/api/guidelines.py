"""The guideline's versions, and writing a new one."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, address_of, paginate, person, require_project
from annotation.api.bodies import StrictSerializer, read_body
from annotation.api.pagination import PAGE_PARAMETERS, page_of
from annotation.api.schema import describe
from annotation.models import GuidelineVersion
from annotation.permissions import Role
from annotation.services.guidelines import LONGEST_NOTE, LONGEST_TEXT, write_guideline


class GuidelineInput(StrictSerializer):
    text = serializers.CharField(max_length=LONGEST_TEXT, allow_blank=True, trim_whitespace=False)
    note = serializers.CharField(
        max_length=LONGEST_NOTE, required=False, allow_blank=True, help_text="What changed, for the annotators."
    )
    version = serializers.IntegerField(min_value=1, help_text="The version that you began from.")


class GuidelineVersionOutput(serializers.ModelSerializer[GuidelineVersion]):
    author = serializers.CharField(source="author.username", default=None, allow_null=True)

    class Meta:
        model = GuidelineVersion
        fields = ("number", "text", "note", "author", "created_at")


class GuidelineVersionsView(ApiView):
    @describe(
        "list_guideline_versions",
        "All versions of the guideline, newest first.",
        gives={200: page_of(GuidelineVersionOutput)},
        fails=(400, 403, 404),
        parameters=PAGE_PARAMETERS,
        tag="projects",
    )
    def get(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.REVIEWER)
        rows = GuidelineVersion.objects.filter(project=project).select_related("author")
        return paginate(self, request, rows, GuidelineVersionOutput)

    @describe(
        "write_guideline",
        "Write a new version of the guideline. The same text again is the version that stands; 409 where somebody else "
        "has written one since `version`.",
        request=GuidelineInput,
        gives={200: GuidelineVersionOutput},
        fails=(400, 403, 404, 409, 413, 415),
        tag="projects",
    )
    def post(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.MANAGER)
        body: dict[str, Any] = read_body(request, GuidelineInput)
        kept = write_guideline(project=project, actor=person(request), address=address_of(request), **body)
        return Response(GuidelineVersionOutput(kept).data)
