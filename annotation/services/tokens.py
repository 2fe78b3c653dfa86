"""Keys to the REST API."""

import secrets
from datetime import datetime
from hashlib import sha256

from django.db import transaction
from django.utils import timezone

from annotation.exceptions import ApplicationError, NotFound
from annotation.models import ApiToken, User
from annotation.services import audit

TOKEN_PREFIX = "concord_"  # noqa: S105 - marks tokens for secret scanners, opens nothing
NAME_CHARACTERS = 100


def digest_token(plain: str) -> str:
    """What is stored and looked up instead of the token. Its 256 random bits need no slow hash."""
    return sha256(plain.encode()).hexdigest()


@transaction.atomic
def issue_token(
    *, user: User, name: str, expires_at: datetime | None = None, address: str | None = None
) -> tuple[ApiToken, str]:
    """A new token: its row and the plain text, which exists only in this answer."""
    if not user.is_active:
        raise ApplicationError("This person cannot sign in, so there is nothing a token could open.", code="inactive")
    name = name.strip()
    if not 1 <= len(name) <= NAME_CHARACTERS:
        raise ApplicationError(f"A token needs a name of 1 to {NAME_CHARACTERS} characters.", extra={"field": "name"})
    if expires_at is not None and expires_at <= timezone.now():
        raise ApplicationError("The token would already have expired.", extra={"field": "expires_at"})
    prefix = secrets.token_hex(4)
    plain = f"{TOKEN_PREFIX}{prefix}_{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        user=user, name=name, prefix=prefix, digest=digest_token(plain), expires_at=expires_at
    )
    audit.record(actor=user, action="issue_token", obj=token, data={"name": name, "prefix": prefix}, address=address)
    return token, plain


@transaction.atomic
def revoke_token(*, actor: User, token: ApiToken, address: str | None = None) -> None:
    """Ends a token at once. Its owner and superusers may; revoking twice is harmless."""
    if token.user_id != actor.pk and not actor.is_superuser:
        raise NotFound("There is no such token.")
    changed = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
    if changed:
        audit.record(actor=actor, action="revoke_token", obj=token, data={"prefix": token.prefix}, address=address)
    token.refresh_from_db()
