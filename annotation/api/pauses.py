"""Pauses of people: what the product proposes, and what a manager decides."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, address_of, paginate, person, require_project
from annotation.api.bodies import StrictSerializer, read_body
from annotation.api.pagination import PAGE_PARAMETERS, page_of
from annotation.api.schema import describe
from annotation.api.skills import find_member
from annotation.exceptions import NotFound
from annotation.models import Pause
from annotation.permissions import Role
from annotation.services.pauses import NOTE_CHARACTERS, decide_pause, lift_pause, pause_person

DECISIONS = {
    "accept": "What was proposed comes into force",
    "dismiss": "Nothing comes of it",
    "lift": "The pause ends",
}


class PauseInput(StrictSerializer):
    user_id = serializers.IntegerField(min_value=1, help_text="A member of the project.")
    note = serializers.CharField(
        max_length=NOTE_CHARACTERS, required=False, allow_blank=True, help_text="Shown to the person."
    )


class DecisionInput(StrictSerializer):
    decision = serializers.ChoiceField(list(DECISIONS.items()))
    note = serializers.CharField(
        max_length=NOTE_CHARACTERS, required=False, allow_blank=True, help_text="Shown to the person."
    )


class PauseOutput(serializers.ModelSerializer[Pause]):
    user_id = serializers.IntegerField(source="person_id")
    username = serializers.CharField(source="person.username")
    decided_by = serializers.CharField(source="decided_by.username", default=None, allow_null=True)

    class Meta:
        model = Pause
        fields = (
            "id",
            "user_id",
            "username",
            "state",
            "sentences",
            "figures",
            "note",
            "proposed_at",
            "decided_by",
            "decided_at",
        )


class PausesView(ApiView):
    @describe(
        "list_pauses",
        "All that was proposed and decided about people of the project, newest first.",
        gives={200: page_of(PauseOutput)},
        fails=(400, 403, 404),
        parameters=PAGE_PARAMETERS,
        tag="people",
    )
    def get(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.REVIEWER)
        rows = Pause.objects.filter(project=project).select_related("person", "decided_by")
        return paginate(self, request, rows, PauseOutput)

    @describe(
        "pause_person",
        "Pause a person without a proposal. They get no work in the project; a task that they hold they may end. 409 "
        "where there is a pause or a proposal already.",
        request=PauseInput,
        gives={201: PauseOutput},
        fails=(400, 403, 404, 409, 413, 415),
        tag="people",
    )
    def post(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.MANAGER)
        body = read_body(request, PauseInput)
        pause = pause_person(
            project=project,
            person=find_member(project, body["user_id"]),
            actor=person(request),
            note=body.get("note", ""),
            address=address_of(request),
        )
        return Response(PauseOutput(pause).data, status=201)


class PauseDecisionView(ApiView):
    @describe(
        "decide_pause",
        "Accept or dismiss a proposal, or lift a pause. The decision that stands, given again, changes nothing; 409 "
        "where another one stands, which `extra.state` names.",
        request=DecisionInput,
        gives={200: PauseOutput},
        fails=(400, 403, 404, 409, 413, 415),
        tag="people",
    )
    def post(self, request: Request, slug: str, pause_id: int) -> Response:
        project = require_project(request, slug, Role.MANAGER)
        body = read_body(request, DecisionInput)
        pause = Pause.objects.filter(project=project, pk=pause_id).select_related("project").first()
        if pause is None:
            raise NotFound(f"This project has no pause {pause_id}.")
        decision, note = body["decision"], body.get("note", "")
        actor, address = person(request), address_of(request)
        if decision == "lift":
            decided = lift_pause(pause=pause, actor=actor, note=note, address=address)
        else:
            decided = decide_pause(pause=pause, actor=actor, accept=decision == "accept", note=note, address=address)
        return Response(PauseOutput(decided).data)
