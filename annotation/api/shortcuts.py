"""The keys of the judging screens, as the person who calls has set them. There is no address for anybody else's."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, address_of, person
from annotation.api.bodies import StrictSerializer, read_body
from annotation.api.schema import describe
from annotation.selectors.shortcuts import my_shortcuts
from annotation.services.shortcuts import set_shortcuts


class ShortcutsInput(StrictSerializer):
    shortcuts = serializers.DictField(
        child=serializers.CharField(max_length=20), help_text="{action: key}; left out means the default."
    )


class ShortcutsOutput(serializers.Serializer[Any]):
    shortcuts = serializers.DictField(child=serializers.CharField(), help_text="{action: key}, all of them.")


class ShortcutsView(ApiView):
    @describe("get_my_shortcuts", "Your keys on the judging screens.", gives={200: ShortcutsOutput}, tag="work")
    def get(self, request: Request) -> Response:
        return Response({"shortcuts": my_shortcuts(user=person(request))})

    @describe(
        "set_my_shortcuts",
        "Choose your keys. Actions and keys are codes from fixed lists; a refusal names the list.",
        request=ShortcutsInput,
        gives={200: ShortcutsOutput},
        fails=(400, 413, 415),
        tag="work",
    )
    def put(self, request: Request) -> Response:
        body = read_body(request, ShortcutsInput)
        chosen = set_shortcuts(user=person(request), wanted=body["shortcuts"], address=address_of(request))
        return Response({"shortcuts": chosen})
