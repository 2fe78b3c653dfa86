"""The scales of a project: adding, changing and removing one."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, address_of, paginate, person, require_project
from annotation.api.bodies import read_body
from annotation.api.pagination import PAGE_PARAMETERS, OldestFirst, page_of
from annotation.api.projects import CriterionInput
from annotation.api.schema import describe
from annotation.models import Criterion
from annotation.permissions import Role
from annotation.services.criteria import add_criterion, change_criterion, remove_criterion


class CriterionChangesInput(CriterionInput):
    """What is left out stays as it is."""

    name = serializers.SlugField(max_length=60, required=False)


class CriterionRowOutput(serializers.ModelSerializer[Criterion]):
    class Meta:
        model = Criterion
        fields = (
            "id",
            "name",
            "label",
            "description",
            "minimum",
            "maximum",
            "step",
            "anchors",
            "required",
            "position",
        )


class CriteriaView(ApiView):
    @describe(
        "list_criteria",
        "The project's scales, in the order in which they were made.",
        gives={200: page_of(CriterionRowOutput)},
        fails=(400, 403, 404),
        parameters=PAGE_PARAMETERS,
        tag="projects",
    )
    def get(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.REVIEWER)
        return paginate(self, request, project.criteria.all(), CriterionRowOutput, pages=OldestFirst)

    @describe(
        "add_criterion",
        "Add a scale after the others. 409 where the project has one of that name.",
        request=CriterionInput,
        gives={201: CriterionRowOutput},
        fails=(400, 403, 404, 409, 413, 415),
        tag="projects",
    )
    def post(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.MANAGER)
        row = add_criterion(
            project=project,
            criterion=read_body(request, CriterionInput),
            actor=person(request),
            address=address_of(request),
        )
        return Response(CriterionRowOutput(row).data, status=201)


class CriterionView(ApiView):
    @describe(
        "change_criterion",
        "Change a scale's words, or the scale itself while nobody has given a number on it; 409 once somebody has. The "
        "same again changes nothing.",
        request=CriterionChangesInput,
        gives={200: CriterionRowOutput},
        fails=(400, 403, 404, 409, 413, 415),
        tag="projects",
    )
    def patch(self, request: Request, slug: str, criterion_id: int) -> Response:
        project = require_project(request, slug, Role.MANAGER)
        changes: dict[str, Any] = read_body(request, CriterionChangesInput)
        row = change_criterion(
            project=project,
            criterion_id=criterion_id,
            changes=changes,
            actor=person(request),
            address=address_of(request),
        )
        return Response(CriterionRowOutput(row).data)

    @describe(
        "remove_criterion",
        "Remove a scale. 409 once somebody has given a number on it.",
        gives={204: None},
        fails=(403, 404, 409),
        tag="projects",
    )
    def delete(self, request: Request, slug: str, criterion_id: int) -> Response:
        project = require_project(request, slug, Role.MANAGER)
        remove_criterion(project=project, criterion_id=criterion_id, actor=person(request), address=address_of(request))
        return Response(status=204)
