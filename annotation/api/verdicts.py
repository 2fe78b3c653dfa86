"""Reviewers' verdicts: the ones of a project, and giving one."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, address_of, paginate, person, require_project
from annotation.api.bodies import StrictSerializer, read_body
from annotation.api.pagination import PAGE_PARAMETERS, page_of
from annotation.api.schema import describe
from annotation.models import Verdict
from annotation.permissions import Role
from annotation.services.slots import find_task
from annotation.services.verdicts import REASON_CHARACTERS, give_verdict


class VerdictInput(StrictSerializer):
    outcome = serializers.ChoiceField(Verdict.Outcome.choices)
    answer = serializers.DictField(
        required=False, allow_null=True, help_text="Like an imported judgment, in response keys; null where unusable."
    )
    reason = serializers.CharField(max_length=REASON_CHARACTERS)
    based_on = serializers.ListField(
        child=serializers.IntegerField(min_value=1), help_text="Ids of the current judgments that you saw."
    )


class VerdictOutput(serializers.ModelSerializer[Verdict]):
    reviewer = serializers.CharField(source="reviewer.username")
    external_id = serializers.CharField(source="task.external_id")

    class Meta:
        model = Verdict
        fields = (
            "id",
            "task",
            "external_id",
            "reviewer",
            "outcome",
            "answer",
            "reason",
            "based_on",
            "supersedes",
            "created_at",
        )


class VerdictsView(ApiView):
    @describe(
        "list_verdicts",
        "The verdicts that stand in a project, newest first.",
        gives={200: page_of(VerdictOutput)},
        fails=(400, 403, 404),
        parameters=PAGE_PARAMETERS,
        tag="projects",
    )
    def get(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.REVIEWER)
        rows = Verdict.objects.filter(project=project, is_current=True).select_related("task", "reviewer")
        return paginate(self, request, rows, VerdictOutput)


class TaskVerdictView(ApiView):
    @describe(
        "give_verdict",
        "Decide on a task. The verdict stands beside the judgments and takes the place of an earlier one; the same "
        "again changes nothing. 409 where somebody has judged the task since.",
        request=VerdictInput,
        gives={200: VerdictOutput},
        fails=(400, 403, 404, 409, 413, 415, 422),
        tag="projects",
    )
    def post(self, request: Request, task_id: int) -> Response:
        task = find_task(annotator=person(request), task_id=task_id)
        body = read_body(request, VerdictInput)
        verdict = give_verdict(
            task=task,
            reviewer=person(request),
            outcome=body["outcome"],
            answer=body.get("answer"),
            reason=body["reason"],
            based_on=body["based_on"],
            address=address_of(request),
        )
        return Response(VerdictOutput(verdict).data)
