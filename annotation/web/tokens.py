"""A person's API tokens."""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from annotation.exceptions import ApplicationError, NotFound
from annotation.models import ApiToken
from annotation.services.tokens import issue_token, revoke_token
from annotation.web.edge import address_of, page, person
from annotation.web.forms import TokenForm, add_faults


@page("GET", "POST")
def show_tokens(request: HttpRequest) -> HttpResponse:
    """My tokens; a new one is shown once, in the answer to the form that asked for it."""
    form = TokenForm(request.POST if request.method == "POST" else None)
    plain = _issue(request, form) if request.method == "POST" and form.is_valid() else None
    tokens = ApiToken.objects.filter(user=person(request), revoked_at=None).order_by("-created_at")
    context = {"form": TokenForm() if plain else form, "plain": plain, "tokens": tokens, "now": timezone.now()}
    return render(request, "annotation/tokens.html", context, status=400 if form.errors else 200)


@page("POST")
def end_token(request: HttpRequest, token_id: int) -> HttpResponse:
    """Revokes one of my tokens."""
    token = ApiToken.objects.filter(user=person(request), pk=token_id).first()
    if token is None:
        raise NotFound("There is no such token.")
    revoke_token(actor=person(request), token=token, address=address_of(request))
    messages.success(request, f"The token “{token.name}” no longer opens anything.")
    return redirect("tokens")


def _issue(request: HttpRequest, form: TokenForm) -> str | None:
    days = form.cleaned_data["days"]
    expires_at = timezone.now() + timedelta(days=days) if days else None
    try:
        _, plain = issue_token(
            user=person(request), name=form.cleaned_data["name"], expires_at=expires_at, address=address_of(request)
        )
    except ApplicationError as error:
        add_faults(form, error)
        return None
    return plain
