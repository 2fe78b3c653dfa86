"""An annotator's note to the managers that something is wrong with a task."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, person
from annotation.api.bodies import StrictSerializer, read_body
from annotation.api.schema import describe
from annotation.api.throttles import LeaseThrottle
from annotation.services.slots import find_task, flag_task


class FlagInput(StrictSerializer):
    reason = serializers.CharField(max_length=500, help_text="What is wrong.")


class FlagOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()


class FlagView(ApiView):
    throttle_classes = (LeaseThrottle,)

    @describe(
        "flag_task",
        "Tell the managers that something is wrong with a task. Flagging again replaces your reason.",
        request=FlagInput,
        gives={200: FlagOutput},
        fails=(400, 404, 413, 415),
        tag="work",
    )
    def post(self, request: Request, task_id: int) -> Response:
        body = read_body(request, FlagInput)
        task = find_task(annotator=person(request), task_id=task_id)
        flag = flag_task(annotator=person(request), task=task, reason=body["reason"])
        return Response(FlagOutput(flag).data)
