"""Invitations: made and ended by managers, followed by whoever has the link."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from redis.exceptions import RedisError

from annotation.api.throttles import count_call
from annotation.exceptions import ApplicationError
from annotation.models import Invitation, Membership, User
from annotation.permissions import Role
from annotation.selectors.people import invitations_of
from annotation.services.invitations import (
    LONGEST_LABEL,
    MOST_DAYS,
    MOST_USES,
    find_invitation,
    join_as_new_user,
    join_project,
    make_invitation,
    revoke_invitation,
)
from annotation.web.edge import address_of, open_project, page, person, project_context, show_error
from annotation.web.forms import add_faults

MOST_SHOWN = 200
VISITS_A_MINUTE = 30


class InvitationForm(forms.Form):
    """Who shall come, as what, and until when."""

    label = forms.CharField(
        max_length=LONGEST_LABEL, required=False, label="For whom", help_text="For your own list, for instance a team."
    )
    role = forms.ChoiceField(
        choices=Membership.Role.choices,
        help_text="Annotators judge, reviewers also see tasks and agreement, managers also change the project.",
    )
    most_uses = forms.IntegerField(
        min_value=1, max_value=MOST_USES, initial=1, label="People", help_text="How many can join by this link."
    )
    days = forms.IntegerField(min_value=1, max_value=MOST_DAYS, initial=7, label="Days", help_text="How long it works.")


class AccountForm(forms.Form):
    """A new account."""

    username = forms.CharField(
        max_length=150,
        label="User name",
        help_text="Letters, digits and @ . + - _",
        widget=forms.TextInput(attrs={"autocomplete": "username"}),
    )
    email = forms.EmailField(required=False, label="E-mail (optional)", help_text="To reset a forgotten password.")
    password = forms.CharField(
        max_length=500,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 10 characters, nothing common.",
    )


class TooOften(ApplicationError):
    """Somebody tries links."""

    code = "too_often"
    status = 429


@page("GET", "POST")
def show_invitations(request: HttpRequest, slug: str) -> HttpResponse:
    """All invitations of a project; a new one shows its link this once."""
    project = open_project(request, slug, Role.MANAGER)
    form = InvitationForm(request.POST if request.method == "POST" else None)
    link, made = "", None
    if request.method == "POST" and form.is_valid():
        try:
            made, token = make_invitation(
                project=project, actor=person(request), address=address_of(request), **form.cleaned_data
            )
            link, form = f"{settings.SITE_URL}{reverse('join', args=[token])}", InvitationForm()
        except ApplicationError as error:
            add_faults(form, error)
    rows = list(invitations_of(project=project)[:MOST_SHOWN])
    context = project_context(request, project, "people", form=form, link=link, made=made)
    context["invitations"] = [(row, _state(row)) for row in rows]
    return render(request, "annotation/invitations.html", context, status=400 if form.errors else 200)


@page("POST")
def end_invitation(request: HttpRequest, slug: str, invitation_id: int) -> HttpResponse:
    """The link lets nobody in any more."""
    project = open_project(request, slug, Role.MANAGER)
    revoke_invitation(project=project, invitation_id=invitation_id, actor=person(request), address=address_of(request))
    messages.success(request, "The invitation is ended. Who has joined by it stays.")
    return redirect("invitations", slug=slug)


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """What an invitation opens: a person who is signed in joins by a button, anybody else makes an account first."""
    try:
        _count_visit(request)
        invitation = find_invitation(token=token) if request.method != "POST" else None
        if request.method == "POST" and isinstance(request.user, User):
            member = join_project(token=token, user=request.user, address=address_of(request))
            messages.success(request, f"Welcome: you are {member.get_role_display().lower()} of {member.project}.")
            return redirect("project", slug=member.project.slug)
        return _offer_account(request, token, invitation or find_invitation(token=token))
    except ApplicationError as error:
        if error.status in (404, 429):
            return render(request, "error.html", {"title": "No way in", "sentence": error.message}, status=error.status)
        return show_error(request, error)


def _offer_account(request: HttpRequest, token: str, invitation: Invitation) -> HttpResponse:
    form = AccountForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            user = join_as_new_user(token=token, address=address_of(request), **form.cleaned_data)
        except ApplicationError as error:
            if not error.extra.get("faults"):
                raise
            add_faults(form, error)
        else:
            login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
            messages.success(request, f"Welcome to {invitation.project}.")
            return redirect("project", slug=invitation.project.slug)
    context = {"form": form, "invitation": invitation, "here": request.path}
    return render(request, "annotation/join.html", context, status=400 if form.errors else 200)


def _count_visit(request: HttpRequest) -> None:
    """Raises: TooOften beyond so many visits a minute from one address, or while they cannot be counted."""
    try:
        count = count_call(f"join:{address_of(request)}", VISITS_A_MINUTE)
    except RedisError as error:
        raise TooOften("The site cannot take invitations right now. Try again in a minute.") from error
    if count > VISITS_A_MINUTE:
        raise TooOften("Too many tries from your address. Wait a minute and open the link again.")


def _state(invitation: Invitation) -> str:
    if invitation.revoked_at is not None:
        return "ended"
    if invitation.is_expired:
        return "expired"
    return "used up" if getattr(invitation, "used", 0) >= invitation.most_uses else "open"
