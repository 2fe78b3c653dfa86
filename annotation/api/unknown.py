"""Addresses that the API does not have: a 404 in the API's own shape, whoever asks and however."""

from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView

from annotation.api.negotiation import OneAnswer


class UnknownAddressView(APIView):
    schema = None  # no part of the API's description
    authentication_classes = ()
    permission_classes = ()
    content_negotiation_class = OneAnswer

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Comes before the choice of a method, so that all of them get the same answer."""
        raise NotFound("The API has no such address; /api/docs/ shows all it has.")
