"""Projects: the ones a person is in, one in full, making and changing one."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, address_of, paginate, person, require_project
from annotation.api.blind_task import CriterionOutput
from annotation.api.bodies import StrictSerializer, read_body
from annotation.api.pagination import PAGE_PARAMETERS, page_of
from annotation.api.schema import describe
from annotation.exceptions import NotFound
from annotation.models import FeedbackKind, Project
from annotation.permissions import Role
from annotation.selectors.roles import projects_with_role
from annotation.selectors.work import my_progress
from annotation.services.projects import create_project, update_project


class CriterionInput(StrictSerializer):
    name = serializers.SlugField(max_length=60)
    label = serializers.CharField(max_length=120, required=False)  # type: ignore[assignment]
    description = serializers.CharField(required=False, allow_blank=True)
    minimum = serializers.FloatField(required=False)
    maximum = serializers.FloatField(required=False)
    step = serializers.FloatField(required=False, allow_null=True)
    anchors = serializers.DictField(child=serializers.CharField(max_length=300), required=False)
    required = serializers.BooleanField(required=False)  # type: ignore[assignment]


class SettingsInput(StrictSerializer):
    """What a manager may change later."""

    name = serializers.CharField(max_length=200, required=False)
    guideline = serializers.CharField(max_length=100_000, required=False, allow_blank=True, trim_whitespace=False)
    judgments_per_task = serializers.IntegerField(min_value=1, max_value=50, required=False)
    lease_seconds = serializers.IntegerField(min_value=1, max_value=86_400, required=False)
    lease_limit_seconds = serializers.IntegerField(min_value=1, max_value=604_800, required=False)
    agreement_gate = serializers.FloatField(min_value=-1, max_value=1, required=False)
    widen_seconds = serializers.IntegerField(min_value=0, max_value=2_592_000, required=False)
    skips_per_day = serializers.IntegerField(min_value=0, max_value=100_000, required=False, allow_null=True)
    skips_to_hold = serializers.IntegerField(min_value=1, max_value=1000, required=False)
    reserve_slots = serializers.IntegerField(min_value=0, max_value=50, required=False)
    is_open = serializers.BooleanField(required=False)
    practice_tasks = serializers.IntegerField(min_value=0, max_value=1000, required=False)
    qualification_tasks = serializers.IntegerField(min_value=0, max_value=1000, required=False)
    pass_mark = serializers.FloatField(min_value=0, max_value=1, required=False)
    qualification_attempts = serializers.IntegerField(min_value=1, max_value=9, required=False)
    gold_rate = serializers.FloatField(min_value=0, max_value=0.5, required=False)
    gold_tolerance = serializers.FloatField(min_value=0, max_value=1, required=False)
    repeat_rate = serializers.FloatField(min_value=0, max_value=0.5, required=False)
    repeat_after = serializers.IntegerField(min_value=1, max_value=30_000, required=False)


class ProjectInput(SettingsInput):
    name = serializers.CharField(max_length=200)
    slug = serializers.SlugField(max_length=80)
    kind = serializers.ChoiceField(FeedbackKind.choices)
    criteria = CriterionInput(many=True, required=False)


class ProjectOutput(serializers.ModelSerializer[Project]):
    role = serializers.ChoiceField(Role.choices, source="my_role", read_only=True)

    class Meta:
        model = Project
        fields = ("slug", "name", "kind", "role", "is_open", "is_demo", "judgments_per_task", "created_at")


class ProgressOutput(serializers.Serializer[Any]):
    judgments = serializers.IntegerField()
    today = serializers.IntegerField(help_text="In the last 24 hours.")
    skipped = serializers.IntegerField()
    last_at = serializers.DateTimeField(allow_null=True)
    waiting = serializers.IntegerField(help_text="Tasks that you could judge.")


class ProjectDetailOutput(ProjectOutput):
    criteria = CriterionOutput(many=True)
    progress = ProgressOutput(help_text="Your own.")

    class Meta(ProjectOutput.Meta):
        fields = (  # type: ignore[assignment]
            *ProjectOutput.Meta.fields,
            "guideline",
            "guideline_version",
            "lease_seconds",
            "lease_limit_seconds",
            "agreement_gate",
            "widen_seconds",
            "skips_per_day",
            "skips_to_hold",
            "reserve_slots",
            "criteria",
            "progress",
        )


class ProjectsView(ApiView):
    @describe(
        "list_projects",
        "The projects that you are in.",
        gives={200: page_of(ProjectOutput)},
        fails=(400,),
        parameters=PAGE_PARAMETERS,
        tag="projects",
    )
    def get(self, request: Request) -> Response:
        return paginate(self, request, projects_with_role(user=person(request)), ProjectOutput)

    @describe(
        "create_project",
        "Make a project and become its manager.",
        request=ProjectInput,
        gives={201: ProjectDetailOutput},
        fails=(400, 403, 409, 413, 415),
        tag="projects",
    )
    def post(self, request: Request) -> Response:
        body = read_body(request, ProjectInput)
        project = create_project(created_by=person(request), address=address_of(request), **body)
        return Response(_show(request, project.slug), status=201)


class ProjectView(ApiView):
    @describe(
        "get_project",
        "One project with its guideline and scales.",
        gives={200: ProjectDetailOutput},
        fails=(404,),
        tag="projects",
    )
    def get(self, request: Request, slug: str) -> Response:
        return Response(_show(request, slug))

    @describe(
        "update_project",
        "Change settings of a project.",
        request=SettingsInput,
        gives={200: ProjectDetailOutput},
        fails=(400, 403, 404, 413, 415),
        tag="projects",
    )
    def patch(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.MANAGER)
        body = read_body(request, SettingsInput)
        update_project(project=project, actor=person(request), address=address_of(request), **body)
        return Response(_show(request, slug))


def _show(request: Request, slug: str) -> dict[str, Any]:
    project = projects_with_role(user=person(request)).prefetch_related("criteria").filter(slug=slug).first()
    if project is None:
        raise NotFound("There is no such project, or you are not in it.")
    project.progress = my_progress(user=person(request), project=project)  # type: ignore[attr-defined]
    return dict(ProjectDetailOutput(project).data)
