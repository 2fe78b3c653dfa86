"""A project's standing order."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, person, require_project
from annotation.api.bodies import StrictSerializer, read_body
from annotation.api.schema import describe
from annotation.permissions import Role
from trainingruns.api.shapes import LoopOutput
from trainingruns.models import ONLINE_KINDS, Loop
from trainingruns.services.loops import set_loop


class LoopInput(StrictSerializer):
    is_enabled = serializers.BooleanField(required=False)
    min_new_judgments = serializers.IntegerField(min_value=1, max_value=1_000_000_000, required=False)
    gate_criterion = serializers.CharField(max_length=60, required=False, allow_blank=True)
    reward_config = serializers.DictField(required=False)
    policy_kind = serializers.ChoiceField([kind.value for kind in ONLINE_KINDS], required=False)
    policy_config = serializers.DictField(required=False)
    then_train_policy = serializers.BooleanField(required=False)
    responses_to_serve = serializers.IntegerField(min_value=1, max_value=100_000, required=False)


class LoopView(ApiView):
    @describe(
        "get_loop",
        "The project's standing order and its last verdict.",
        gives={200: LoopOutput},
        fails=(403, 404),
        tag="training",
    )
    def get(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.REVIEWER)
        return Response(LoopOutput(Loop.objects.filter(project=project).first() or Loop(project=project)).data)

    @describe(
        "set_loop",
        "Give the project a standing order, or change it.",
        request=LoopInput,
        gives={200: LoopOutput},
        fails=(400, 403, 404, 413, 415),
        tag="training",
    )
    def patch(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.MANAGER)
        loop = set_loop(project=project, actor=person(request), **read_body(request, LoopInput))
        return Response(LoopOutput(loop).data)
