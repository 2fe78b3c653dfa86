"""The registry, and where a model comes from."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, paginate, person, require_project
from annotation.api.bodies import StrictSerializer, read_body
from annotation.api.pagination import PAGE_PARAMETERS, page_of
from annotation.api.schema import describe
from annotation.exceptions import NotFound
from annotation.permissions import Role
from trainingruns.api.shapes import LineageOutput, RunOutput, VersionOutput
from trainingruns.models import ModelVersion
from trainingruns.selectors.lineage import lineage
from trainingruns.selectors.registry import get_version, versions_of
from trainingruns.services import registry
from trainingruns.services.comparisons import MOST_RESPONSES, RESPONSES_TO_SERVE, check_challenger, compare_policies


class StageInput(StrictSerializer):
    stage = serializers.ChoiceField([ModelVersion.Stage.CHAMPION, ModelVersion.Stage.ARCHIVED])


class ComparisonInput(StrictSerializer):
    against_version_id = serializers.IntegerField(
        min_value=1, help_text="Another policy of the project, or a base model; not an archived one."
    )
    responses = serializers.IntegerField(
        min_value=1,
        max_value=MOST_RESPONSES,
        required=False,
        default=RESPONSES_TO_SERVE,
        help_text="How many new ones people should see at least; a prompt gets four at most.",
    )


class VersionsView(ApiView):
    @describe(
        "list_models",
        "The project's model versions, and the base models it may start from.",
        gives={200: page_of(VersionOutput)},
        fails=(400, 403, 404),
        parameters=PAGE_PARAMETERS,
        tag="training",
    )
    def get(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.REVIEWER)
        return paginate(self, request, versions_of(project=project), VersionOutput)


class VersionView(ApiView):
    @describe("get_model", "One model version.", gives={200: VersionOutput}, fails=(403, 404), tag="training")
    def get(self, request: Request, version_id: int) -> Response:
        return Response(VersionOutput(get_version(user=person(request), version_id=version_id)).data)


class StageView(ApiView):
    @describe(
        "change_stage",
        "Make a version the champion of its name, or take it out of use.",
        request=StageInput,
        gives={200: VersionOutput},
        fails=(400, 403, 404, 409, 413, 415),
        tag="training",
    )
    def post(self, request: Request, version_id: int) -> Response:
        version = get_version(user=person(request), version_id=version_id, role=Role.MANAGER)
        body = read_body(request, StageInput)
        move = registry.promote if body["stage"] == ModelVersion.Stage.CHAMPION else registry.archive
        return Response(VersionOutput(move(version=version, actor=person(request))).data)


class ComparisonsView(ApiView):
    @describe(
        "compare_models",
        "Put a policy before people beside another policy. It answers the project's prompts in the run that is "
        "returned, the other one those that it has not answered yet, and people rank both blindly. 201 comes with a "
        "new run; while either still answers, asking again gives the run that is there with 200.",
        request=ComparisonInput,
        gives={201: RunOutput, 200: RunOutput},
        fails=(400, 403, 404, 413, 415),
        tag="training",
    )
    def post(self, request: Request, version_id: int) -> Response:
        version = get_version(user=person(request), version_id=version_id, role=Role.MANAGER)
        body = read_body(request, ComparisonInput)
        project = check_challenger(version)
        rival = versions_of(project=project).filter(pk=body["against_version_id"]).first()
        if rival is None:
            raise NotFound(
                f"against_version_id: this project has no version with the id {body['against_version_id']}.",
                extra={"field": "against_version_id"},
            )
        made = compare_policies(version=version, rival=rival, responses=body["responses"], created_by=person(request))
        return Response(RunOutput(made.run).data, status=201 if made.is_new else 200)


class LineageView(ApiView):
    @describe(
        "get_lineage",
        "Everything a version descends from, down to judgment ids, pseudonyms and guideline versions.",
        gives={200: LineageOutput},
        fails=(403, 404),
        tag="training",
    )
    def get(self, request: Request, version_id: int) -> Response:
        version = get_version(user=person(request), version_id=version_id)
        return Response(lineage(version=version).as_dict())
