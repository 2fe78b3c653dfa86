"""A link that signs one person in once: for the first look at a fresh site, printed where only its owner reads."""

from django.conf import settings
from django.contrib.auth import login
from django.core import signing
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from annotation.models import User

VALID_SECONDS = 600
_SALT = "config.one_time_login"


class LinkRefused(Exception):
    """The link is forged, older than ten minutes, or was used before."""


def make_one_time_link(*, user: User) -> str:
    """An absolute address that signs `user` in once within ten minutes."""
    # The time of the last sign-in is part of the link, so that any sign-in makes older links worthless.
    payload = {"user": user.pk, "last_login": _last_login(user)}
    token = signing.dumps(payload, salt=_SALT, compress=True)
    return f"{settings.SITE_URL}{reverse('one_time_login', args=[token])}"


def redeem_token(*, token: str) -> User:
    """The person a link stands for; the link is used up. Raises LinkRefused."""
    try:
        payload = signing.loads(token, salt=_SALT, max_age=VALID_SECONDS)
    except signing.BadSignature as error:
        raise LinkRefused from error
    user = User.objects.filter(pk=payload["user"], is_active=True).first()
    if user is None or _last_login(user) != payload["last_login"]:
        raise LinkRefused
    # `add` is atomic: of two requests with one link only one gets in.
    if not cache.add(f"one-time-login:{token[-64:]}", 1, VALID_SECONDS):
        raise LinkRefused
    return user


@require_GET
@never_cache
def sign_in_once(request: HttpRequest, token: str) -> HttpResponse:
    """Signs the person in and goes on to the first page; a bad link gets 403 in plain words."""
    try:
        user = redeem_token(token=token)
    except LinkRefused:
        message = "This link was used before or is older than ten minutes. `make login` prints a new one.\n"
        return HttpResponse(message, status=403, content_type="text/plain")
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return HttpResponseRedirect(resolve_url(settings.LOGIN_REDIRECT_URL))


def _last_login(user: User) -> str:
    return user.last_login.isoformat() if user.last_login else ""
