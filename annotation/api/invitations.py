"""Invitations, for managers who script them."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, address_of, paginate, person, require_project
from annotation.api.bodies import StrictSerializer, read_body
from annotation.api.pagination import PAGE_PARAMETERS, page_of
from annotation.api.schema import describe
from annotation.models import Invitation, Membership
from annotation.permissions import Role
from annotation.selectors.people import invitations_of
from annotation.services.invitations import LONGEST_LABEL, MOST_DAYS, MOST_USES, make_invitation, revoke_invitation


class InvitationInput(StrictSerializer):
    role = serializers.ChoiceField(Membership.Role.choices)
    days = serializers.IntegerField(min_value=1, max_value=MOST_DAYS, required=False, help_text="7 unless given.")
    most_uses = serializers.IntegerField(min_value=1, max_value=MOST_USES, required=False, help_text="1 unless given.")
    label = serializers.CharField(  # type: ignore[assignment]
        max_length=LONGEST_LABEL, required=False, allow_blank=True, help_text="Whom it is for."
    )


class InvitationOutput(serializers.ModelSerializer[Invitation]):
    used = serializers.IntegerField(default=0)

    class Meta:
        model = Invitation
        fields = ("id", "role", "label", "prefix", "most_uses", "used", "expires_at", "revoked_at", "created_at")


class NewInvitationOutput(InvitationOutput):
    link = serializers.URLField(read_only=True, help_text="Shown this once.")

    class Meta(InvitationOutput.Meta):
        fields = (*InvitationOutput.Meta.fields, "link")  # type: ignore[assignment]


class InvitationsView(ApiView):
    @describe(
        "list_invitations",
        "All invitations of a project, newest first.",
        gives={200: page_of(InvitationOutput)},
        fails=(400, 403, 404),
        parameters=PAGE_PARAMETERS,
        tag="projects",
    )
    def get(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.MANAGER)
        return paginate(self, request, invitations_of(project=project), InvitationOutput)

    @describe(
        "make_invitation",
        "Make a link by which people join the project.",
        request=InvitationInput,
        gives={201: NewInvitationOutput},
        fails=(400, 403, 404, 413, 415),
        tag="projects",
    )
    def post(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.MANAGER)
        body: dict[str, Any] = read_body(request, InvitationInput)
        invitation, token = make_invitation(project=project, actor=person(request), address=address_of(request), **body)
        invitation.link = f"{settings.SITE_URL}{reverse('join', args=[token])}"  # type: ignore[attr-defined]
        return Response(NewInvitationOutput(invitation).data, status=201)


class InvitationView(ApiView):
    @describe(
        "revoke_invitation",
        "End an invitation. Who has joined by it stays.",
        gives={204: None},
        fails=(403, 404),
        tag="projects",
    )
    def delete(self, request: Request, slug: str, invitation_id: int) -> Response:
        project = require_project(request, slug, Role.MANAGER)
        revoke_invitation(
            project=project, invitation_id=invitation_id, actor=person(request), address=address_of(request)
        )
        return Response(status=204)
