"""Keeping a lease and giving it back."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, person
from annotation.api.bodies import StrictSerializer, read_body
from annotation.api.lease_tokens import LeaseToken
from annotation.api.letters import answer_in_keys, read_order
from annotation.api.schema import describe
from annotation.api.throttles import LeaseThrottle
from annotation.exceptions import Conflict
from annotation.models import Slot
from annotation.services.judgments import save_draft
from annotation.services.skips import skip_task
from annotation.services.slots import heartbeat, release_task


class HeartbeatOutput(serializers.Serializer[Any]):
    expires_at = serializers.DateTimeField()


class SkipInput(StrictSerializer):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class DraftInput(StrictSerializer):
    answer = serializers.DictField(help_text="As far as it has come, in letters.")
    version = serializers.IntegerField(
        min_value=0, max_value=2_000_000_000, help_text="The version this builds on; 0 for none."
    )


class DraftSavedOutput(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    updated_at = serializers.DateTimeField()


class HeartbeatView(ApiView):
    throttle_classes = (LeaseThrottle,)

    @describe("send_heartbeat", "Prolong a lease.", gives={200: HeartbeatOutput}, fails=(404, 409), tag="work")
    def post(self, request: Request, lease: LeaseToken) -> Response:
        return Response({"expires_at": heartbeat(annotator=person(request), lease_token=lease.token)})


class ReleaseView(ApiView):
    throttle_classes = (LeaseThrottle,)

    @describe(
        "release_task",
        "Give the task back, for you or others to take later.",
        gives={204: None},
        fails=(404, 409),
        tag="work",
    )
    def post(self, request: Request, lease: LeaseToken) -> Response:
        release_task(annotator=person(request), lease_token=lease.token)
        return Response(status=204)


class SkipView(ApiView):
    throttle_classes = (LeaseThrottle,)

    @describe(
        "skip_task",
        "Pass the task by; it is not offered to you again.",
        request=SkipInput,
        gives={204: None},
        fails=(400, 404, 409, 413, 415),
        tag="work",
    )
    def post(self, request: Request, lease: LeaseToken) -> Response:
        body = read_body(request, SkipInput)
        skip_task(annotator=person(request), lease_token=lease.token, reason=body["reason"])
        return Response(status=204)


class DraftView(ApiView):
    throttle_classes = (LeaseThrottle,)

    @describe(
        "save_draft",
        "Save an unfinished answer. A draft that was saved elsewhere in between is not overwritten (409).",
        request=DraftInput,
        gives={200: DraftSavedOutput},
        fails=(400, 404, 409, 413, 415, 422),
        tag="work",
    )
    def put(self, request: Request, lease: LeaseToken) -> Response:
        body = read_body(request, DraftInput)
        task_id = _task_of(lease, person(request).pk)
        order = read_order(task_id, lease.slot_number)
        with answer_in_keys(task_id, body["answer"], order) as answer:
            draft = save_draft(
                annotator=person(request),
                task_id=task_id,
                lease_token=lease.token,
                answer=answer,
                version=body["version"],
            )
        return Response(DraftSavedOutput(draft).data)


def _task_of(lease: LeaseToken, user_id: int) -> int:
    slot = Slot.objects.filter(lease_token=lease.token, annotator_id=user_id).values_list("task_id", flat=True).first()
    if slot is None:
        raise Conflict("Your lease on this task has ended.", code="lease_lost")
    return slot
