"""Who am I?"""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, person
from annotation.api.schema import describe
from annotation.models import ApiToken
from annotation.permissions import may_create_projects


class MeOutput(serializers.Serializer[Any]):
    username = serializers.CharField()
    pseudonym = serializers.CharField(help_text="Stands for you in exports and reports.")
    may_create_projects = serializers.BooleanField()
    token_name = serializers.CharField(allow_null=True, help_text="The token of this request; null in a browser.")


class MeView(ApiView):
    @describe("get_me", "The person whom this request speaks for.", gives={200: MeOutput}, tag="sign-in")
    def get(self, request: Request) -> Response:
        user = person(request)
        token = request.auth if isinstance(request.auth, ApiToken) else None
        shown = {
            "username": user.username,
            "pseudonym": user.pseudonym,
            "may_create_projects": may_create_projects(user=user),
            "token_name": token.name if token else None,
        }
        return Response(MeOutput(shown).data)
