"""Snapshots of a project."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, paginate, person, require_project
from annotation.api.bodies import StrictSerializer, read_body
from annotation.api.pagination import PAGE_PARAMETERS, page_of
from annotation.api.schema import describe
from annotation.permissions import Role
from trainingruns.api.shapes import SnapshotOutput
from trainingruns.models import Snapshot
from trainingruns.selectors.runs import snapshots_of
from trainingruns.services.snapshots import create_snapshot


class FiltersInput(StrictSerializer):
    exclude_gold = serializers.BooleanField(required=False)
    exclude_simulated = serializers.BooleanField(required=False)
    since = serializers.CharField(required=False, allow_null=True, help_text="ISO 8601.")
    demonstration_sources = serializers.ListField(
        child=serializers.CharField(max_length=200),
        required=False,
        max_length=100,
        help_text="Sources whose responses were written to be imitated.",
    )


class SnapshotInput(StrictSerializer):
    view = serializers.ChoiceField(Snapshot.View.choices, required=False)
    eval_share = serializers.FloatField(min_value=0, max_value=0.5, required=False)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False)
    filters = FiltersInput(required=False)


class SnapshotsView(ApiView):
    @describe(
        "list_snapshots",
        "The project's snapshots.",
        gives={200: page_of(SnapshotOutput)},
        fails=(400, 403, 404),
        parameters=PAGE_PARAMETERS,
        tag="training",
    )
    def get(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.REVIEWER)
        return paginate(self, request, snapshots_of(project=project), SnapshotOutput)

    @describe(
        "create_snapshot",
        "Freeze the project's rankings into a hashed dataset. The same judgments with the same settings give the same "
        "snapshot again.",
        request=SnapshotInput,
        gives={201: SnapshotOutput},
        fails=(400, 403, 404, 413, 415),
        tag="training",
    )
    def post(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.MANAGER)
        snapshot = create_snapshot(project=project, created_by=person(request), **read_body(request, SnapshotInput))
        return Response(SnapshotOutput(snapshot).data, status=201)
