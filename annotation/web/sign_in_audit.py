"""Sign-ins in the audit trail, by whatever door: the sign-in page, a link, the API."""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models import Q
from django.dispatch import receiver
from django.http import HttpRequest

from annotation.client_address import client_address
from annotation.models import User
from annotation.services import audit

USERNAME_CHARACTERS = 150


@receiver(user_logged_in, dispatch_uid="audit_sign_in")
def note_sign_in(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    """Who came in."""
    audit.record(actor=user, action="sign_in", obj=user, address=client_address(request))


@receiver(user_logged_out, dispatch_uid="audit_sign_out")
def note_sign_out(sender: Any, request: HttpRequest, user: User | None, **_: Any) -> None:
    """Who left; a session that belongs to nobody any more tells nothing."""
    if isinstance(user, User):
        audit.record(actor=user, action="sign_out", obj=user, address=client_address(request))


@receiver(user_login_failed, dispatch_uid="audit_failed_sign_in")
def note_failure(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Names are noted only where there is such a person: what is typed into this field may be a password."""
    name = str(credentials.get("username") or credentials.get("email") or "")
    if not name or len(name) > USERNAME_CHARACTERS or "\0" in name:
        return
    user = User.objects.filter(Q(username=name) | Q(email__iexact=name)).first()
    if user is not None:
        address = None if request is None else client_address(request)
        audit.record(actor=None, action="fail_sign_in", obj=user, address=address)
