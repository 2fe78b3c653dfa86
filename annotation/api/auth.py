"""Signing in from programs: name and password for a token, and giving the token up."""

from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.contrib.auth import authenticate
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, address_of, person
from annotation.api.bodies import StrictSerializer, read_body
from annotation.api.schema import describe
from annotation.api.throttles import AddressThrottle, SignInThrottle
from annotation.exceptions import ApplicationError, NotPermitted
from annotation.models import ApiToken, User
from annotation.services.tokens import issue_token, revoke_token


class SignInInput(StrictSerializer):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=500, trim_whitespace=False, style={"input_type": "password"})
    name = serializers.CharField(max_length=100, help_text="What the token is for, to know it again in the list.")
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class TokenOutput(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Shown this once. Send it as `Authorization: Bearer …`.")
    expires_at = serializers.DateTimeField(allow_null=True)


class SignInFailed(ApplicationError):
    """The same words whether the name is unknown, the password wrong or the account closed."""

    code = "sign_in_failed"
    status = 401


class TokenView(ApiView):
    throttle_classes = (AddressThrottle, SignInThrottle)
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @describe(
        "create_token",
        "Exchange name and password for a token. Five tries a minute.",
        request=SignInInput,
        gives={201: TokenOutput},
        fails=(400, 401, 403, 413, 415),
        tag="sign-in",
        is_public=True,
    )
    def post(self, request: Request) -> Response:
        body = read_body(request, SignInInput)
        user = _check_password(request, body["username"], body["password"])
        token, plain = issue_token(
            user=user, name=body["name"], expires_at=body["expires_at"], address=address_of(request)
        )
        return Response(TokenOutput({"token": plain, "expires_at": token.expires_at}).data, status=201)


class CurrentTokenView(ApiView):
    @describe(
        "revoke_current_token",
        "Revoke the token that this request carries.",
        gives={204: None},
        fails=(400,),
        tag="sign-in",
    )
    def delete(self, request: Request) -> Response:
        if not isinstance(request.auth, ApiToken):
            raise ApplicationError("This request carries no token, so there is none to revoke.", code="no_token")
        revoke_token(actor=person(request), token=request.auth, address=address_of(request))
        return Response(status=204)


def _check_password(request: Request, username: str, password: str) -> User:
    user = authenticate(request._request, username=username, password=password)
    if not isinstance(user, User):
        raise SignInFailed("Name or password is wrong.")
    if is_mfa_enabled(user):
        raise NotPermitted(
            "This account has a second factor, which cannot be given here. Make a token on the page API tokens.",
            code="second_factor_needed",
        )
    return user
