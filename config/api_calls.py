"""Middlewares that step aside for a call of the API with a token: it needs little of what a page does."""

from functools import cache
from typing import Any

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.middleware.csrf import CsrfViewMiddleware

_SCHEMES = ("bearer", "token")


def carries_token(request: HttpRequest) -> bool:
    """Whether this is a call of the API that a token, and so no cookie, will speak for.

    Signing in is left out: allauth and its limits want all that a page has.
    """
    known: bool | None = request.__dict__.get("_carries_token")
    if known is None:
        path, scheme = request.path_info, request.META.get("HTTP_AUTHORIZATION", "").partition(" ")[0].lower()
        known = scheme in _SCHEMES and path.startswith("/api/v1/") and not path.startswith("/api/v1/auth/")
        request.__dict__["_carries_token"] = known
    return known


class _PagesOnly:
    """A middleware that is not there for calls with a token."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        if carries_token(request):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]


class PageSession(_PagesOnly, SessionMiddleware):
    """Sessions for pages."""


class PageUser(_PagesOnly, AuthenticationMiddleware):
    """`request.user` for pages; a call with a token gets it by the token."""


class PageMessages(_PagesOnly, MessageMiddleware):
    """Messages for pages."""


class PageForgery(_PagesOnly, CsrfViewMiddleware):
    """The check against forged forms; no browser sends a token on its own."""

    def process_view(self, request: HttpRequest, *arguments: Any, **named: Any) -> Any:
        return None if carries_token(request) else super().process_view(request, *arguments, **named)


class ContentPolicy(CSPMiddleware):
    """The same policy for all; the one of a call with a token, which has no nonce, is put together once."""

    def __call__(self, request: HttpRequest) -> Any:
        if not carries_token(request):
            return super().__call__(request)
        response: Any = self.get_response(request)
        response.headers.setdefault(HEADER, _plain_policy())
        return response


@cache
def _plain_policy() -> str:
    return build_policy()
