"""What the live board shows, as numbers, and the lease that a manager ends."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, address_of, person, refuse_unknown_parameters, require_project
from annotation.api.schema import describe
from annotation.permissions import Role
from annotation.selectors.live_board import MOST_LEASES, live_board
from annotation.services.lease_ends import end_lease


class TaskCountsOutput(serializers.Serializer[Any]):
    waiting = serializers.IntegerField(help_text="Open tasks that nobody has judged.")
    in_progress = serializers.IntegerField()
    complete = serializers.IntegerField(help_text="Open tasks judged as often as wanted.")
    paused = serializers.IntegerField()
    archived = serializers.IntegerField()
    held = serializers.IntegerField(help_text="Skipped by several people; they wait for a manager.")
    given = serializers.IntegerField(help_text="Filled slots of open tasks.")
    wanted = serializers.IntegerField(help_text="Judgments of open tasks still to come: the depth of the queue.")


class HeldLeaseOutput(serializers.Serializer[Any]):
    slot = serializers.IntegerField(source="pk")
    task = serializers.IntegerField(source="task_id")
    external_id = serializers.CharField(source="task.external_id")
    annotator = serializers.CharField(source="annotator.username")
    leased_at = serializers.DateTimeField()
    heartbeat_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(source="lease_expires_at")


class HourOutput(serializers.Serializer[Any]):
    start = serializers.DateTimeField()
    judgments = serializers.IntegerField()


class WorkerOutput(serializers.Serializer[Any]):
    username = serializers.CharField()
    pseudonym = serializers.CharField()
    is_simulated = serializers.BooleanField()
    judgments = serializers.IntegerField()
    last_at = serializers.DateTimeField()


class EstimateOutput(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    earliest = serializers.DateTimeField(allow_null=True, help_text="Null with fewer than ten judgments.")
    latest = serializers.DateTimeField(allow_null=True)


class BoardOutput(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    counts = TaskCountsOutput(help_text="In a large project up to some seconds old.")
    leases = HeldLeaseOutput(many=True, help_text=f"The ones that end first, at most {MOST_LEASES}.")
    lease_count = serializers.IntegerField()
    hours = HourOutput(many=True, help_text="The last 24 hours and the current one, oldest first.")
    last_hour = serializers.IntegerField(help_text="Judgments of the last 60 minutes.")
    last_day = serializers.IntegerField()
    workers = WorkerOutput(many=True, help_text="Who judged in the last hour, busiest first.")
    at_this_pace = EstimateOutput(allow_null=True, help_text="When all is judged at the pace of the last hour.")
    at_this_days_pace = EstimateOutput(allow_null=True, help_text="The same at the pace of the last 24 hours.")
    flags = serializers.IntegerField()
    kept_answers = serializers.IntegerField()


class BoardView(ApiView):
    @describe(
        "get_board",
        "What happens in a project right now. Tasks by state, leases, throughput and when it will be done.",
        gives={200: BoardOutput},
        fails=(400, 403, 404),
        tag="projects",
    )
    def get(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.REVIEWER)
        refuse_unknown_parameters(request, ())
        return Response(BoardOutput(live_board(project=project)).data)


class HeldLeaseView(ApiView):
    @describe(
        "end_lease",
        "Take a task away from who holds it. What they send before somebody else takes it still counts.",
        gives={204: None},
        fails=(403, 404, 409),
        tag="projects",
    )
    def delete(self, request: Request, slug: str, slot_id: int) -> Response:
        project = require_project(request, slug, Role.MANAGER)
        end_lease(project=project, slot_id=slot_id, actor=person(request), address=address_of(request))
        return Response(status=204)
