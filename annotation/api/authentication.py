"""Who calls: a token in the Authorization header. Browsers use their session, with CSRF protection, instead."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any, ClassVar

from django.db import IntegrityError
from django.db.models.functions import Now
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from annotation.models import ApiToken, User
from annotation.statements import Columns, fetch_row, write_row

SCHEMES = (b"bearer", b"token")
LONGEST_TOKEN_BYTES = 200
LAST_USED_PRECISION = timedelta(minutes=1)
"""How exact `last_used_at` is: a write a request would cost more than the request."""


class ApiTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer concord_…`. Looked up on every request, so revoking or disabling acts at once."""

    beside: ClassVar[str] = ""
    """A SELECT whose first row the same statement reads besides, for a POST to a view that needs it anyway.

    It may speak of the person as `u` and of the captured parts of the address. Its values lie in `token.beside`, all
    null without a row; there are none where it wrote something and lost a race, so that the view tries by itself.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() not in SCHEMES:
            return None
        if len(parts) != 2 or len(parts[1]) > LONGEST_TOKEN_BYTES:
            raise AuthenticationFailed("The Authorization header must read: Bearer concord_…", code="token_malformed")
        beside = self.beside if request.method == "POST" else ""
        token = find_token(parts[1], beside=beside, captured=request.parser_context["kwargs"])
        if token is None:
            raise AuthenticationFailed("This token is not valid: unknown, expired or revoked.", code="token_invalid")
        _note_use(token)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class BrowserAuthentication(SessionAuthentication):
    """The session of the pages. Every change needs the header X-CSRFToken."""

    def enforce_csrf(self, request: Request) -> None:
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            raise PermissionDenied(
                "This request needs the header X-CSRFToken with the value of the cookie. Reload the page.",
                code="csrf_failed",
            ) from error


_ALL = Columns(ApiToken), Columns(User)
# A view that reads something besides is called all day, and asks for no more of the person than who they are.
_FEW = (
    Columns(
        ApiToken,
        without=["name", "prefix", "digest", "created_at", "expires_at", "revoked_at", "last_used_at"],
    ),
    Columns(User, without=["password", "last_login", "first_name", "last_name", "email", "date_joined"]),
)


@cache
def _statement(beside: str) -> str:
    tokens, users = _FEW if beside else _ALL
    return f"""
SELECT {tokens.of("k")}, {users.of("u")}, COALESCE(k.last_used_at > now() - %(precision)s, false)
       {", b.*" if beside else ""}
FROM annotation_apitoken k JOIN annotation_user u ON u.id = k.user_id
{f"LEFT JOIN LATERAL ({beside}) b ON true" if beside else ""}
WHERE k.digest = %(digest)s AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND u.is_active
"""  # noqa: S608 - joins the names of our own columns and statements of our own


def find_token(plain: bytes, *, beside: str = "", captured: Mapping[str, Any] | None = None) -> ApiToken | None:
    """The living token with this text, of a person who may still sign in, by the database's clock."""
    values = {**(captured or {}), "digest": hashlib.sha256(plain).hexdigest(), "precision": LAST_USED_PRECISION}
    try:
        row = write_row(_statement(beside), values) if beside else fetch_row(_statement(""), values)
    except IntegrityError:
        beside = ""
        row = fetch_row(_statement(""), values)
    if row is None:
        return None
    tokens, users = _FEW if beside else _ALL
    split, last = len(tokens), len(tokens) + len(users)
    token = tokens.build(row[:split])
    token.user = users.build(row[split:last])
    token.used_lately = row[last]  # type: ignore[attr-defined]
    token.beside = row[last + 1 :]  # type: ignore[attr-defined]
    return token


def read_beside(request: Request) -> Sequence[Any]:
    """What the statement that found the caller's token read besides; nothing for a browser's session."""
    return getattr(request.auth, "beside", ())


def _note_use(token: ApiToken) -> None:
    if not token.used_lately:  # type: ignore[attr-defined]
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=Now())
