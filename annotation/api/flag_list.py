"""What annotators flagged, and a reviewer's word that it has been dealt with."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, address_of, paginate, person, require_project
from annotation.api.pagination import PAGE_PARAMETERS, page_of
from annotation.api.schema import describe
from annotation.models import Flag
from annotation.permissions import Role
from annotation.services.verdicts import resolve_flag


class FlagRowOutput(serializers.ModelSerializer[Flag]):
    task_id = serializers.IntegerField()
    external_id = serializers.CharField(source="task.external_id")
    pseudonym = serializers.CharField(source="annotator.pseudonym", help_text="Who flagged it, as in exports.")

    class Meta:
        model = Flag
        fields = ("id", "task_id", "external_id", "pseudonym", "reason", "created_at", "resolved_at")


class FlagsView(ApiView):
    @describe(
        "list_flags",
        "What was flagged in the project, newest first; `resolved_at` is null while nobody has dealt with it.",
        gives={200: page_of(FlagRowOutput)},
        fails=(400, 403, 404),
        parameters=PAGE_PARAMETERS,
        tag="projects",
    )
    def get(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.REVIEWER)
        rows = Flag.objects.filter(task__project=project).select_related("task", "annotator")
        return paginate(self, request, rows, FlagRowOutput)


class FlagResolutionView(ApiView):
    @describe(
        "resolve_flag",
        "Say that a flag has been dealt with. Saying it again changes nothing.",
        gives={200: FlagRowOutput},
        fails=(403, 404),
        tag="projects",
    )
    def post(self, request: Request, slug: str, flag_id: int) -> Response:
        project = require_project(request, slug, Role.REVIEWER)
        flag = resolve_flag(project=project, flag_id=flag_id, actor=person(request), address=address_of(request))
        return Response(FlagRowOutput(flag).data)
