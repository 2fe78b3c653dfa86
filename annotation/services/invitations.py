"""Links by which people join a project."""

import secrets
from datetime import timedelta
from hashlib import sha256

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from annotation.exceptions import ApplicationError, NotFound
from annotation.models import Invitation, InvitationUse, Membership, Project, User
from annotation.permissions import RANKS, Role, require_role
from annotation.services import audit
from annotation.services.projects import save_checked

MOST_DAYS = 90
MOST_USES = 1000
LONGEST_LABEL = 100
LONGEST_TOKEN = 100


def digest_invitation(plain: str) -> str:
    """What is stored and looked up instead of the token. Its 256 random bits need no slow hash."""
    return sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


@transaction.atomic
def make_invitation(
    *,
    project: Project,
    actor: User,
    role: str,
    days: int = 7,
    most_uses: int = 1,
    label: str = "",
    address: str | None = None,
) -> tuple[Invitation, str]:
    """A new invitation and the token of its link, which exists only in this answer.

    Raises: NotPermitted, NotFound, ApplicationError naming the field.
    """
    require_role(user=actor, project=project, role=Role.MANAGER)
    _check(role, days, most_uses, label)
    plain = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        project=project,
        role=role,
        label=label.strip(),
        prefix=plain[:6],
        digest=digest_invitation(plain),
        most_uses=most_uses,
        expires_at=timezone.now() + timedelta(days=days),
        created_by=actor,
    )
    data = {"role": role, "days": days, "most_uses": most_uses}
    audit.record(actor=actor, action="make_invitation", obj=invitation, project=project, data=data, address=address)
    return invitation, plain


@transaction.atomic
def revoke_invitation(*, project: Project, invitation_id: int, actor: User, address: str | None = None) -> Invitation:
    """Ends an invitation at once; who has joined stays. Revoking twice is harmless."""
    require_role(user=actor, project=project, role=Role.MANAGER)
    invitation = Invitation.objects.select_for_update().filter(project=project, pk=invitation_id).first()
    if invitation is None:
        raise NotFound("There is no such invitation in this project.")
    if invitation.revoked_at is None:
        invitation.revoked_at = timezone.now()
        invitation.save(update_fields=["revoked_at"])
        audit.record(actor=actor, action="revoke_invitation", obj=invitation, project=project, address=address)
    return invitation


def find_invitation(*, token: str) -> Invitation:
    """An invitation that still lets somebody in, with its project at hand.

    Raises: NotFound with the same words for a token that is wrong, ended, expired or used up.
    """
    found = None
    if len(token) <= LONGEST_TOKEN:
        found = Invitation.objects.select_related("project").filter(digest=digest_invitation(token)).first()
    if found is None or found.revoked_at is not None or found.expires_at <= timezone.now() or _is_used_up(found):
        raise _refusal()
    return found


@transaction.atomic
def join_project(*, token: str, user: User, address: str | None = None) -> Membership:
    """Makes somebody who is signed in a member. Who is one already keeps the higher role, and coming again is harmless.

    Raises: NotFound for an invitation that lets nobody in.
    """
    invitation = _locked(token)
    used = InvitationUse.objects.filter(invitation=invitation, user=user).exists()
    if not used and _is_used_up(invitation):
        raise _refusal()
    member = Membership.objects.select_for_update().filter(project=invitation.project, user=user).first()
    if member is not None and (used or RANKS[member.role] >= RANKS[invitation.role]):
        return member
    if used:
        # Taken out of the project since: the link that once let them in does not do so again.
        raise _refusal()
    member, _ = Membership.objects.update_or_create(
        project=invitation.project, user=user, defaults={"role": invitation.role}
    )
    InvitationUse.objects.create(invitation=invitation, user=user)
    audit.record(
        actor=user,
        action="join_project",
        obj=member,
        project=invitation.project,
        data={"invitation": invitation.pk, "role": member.role},
        address=address,
    )
    return member


@transaction.atomic
def join_as_new_user(*, token: str, username: str, password: str, email: str = "", address: str | None = None) -> User:
    """A new account that is a member of the project.

    Raises: NotFound for an invitation that lets nobody in; ApplicationError with `extra["faults"]` by field. Nothing
    is stored then.
    """
    _locked(token)
    user = User(username=username.strip(), email=email.strip().lower())
    _check_account(user, password)
    user.set_password(password)
    save_checked(user)
    audit.record(actor=user, action="create_account", obj=user, address=address)
    join_project(token=token, user=user, address=address)
    return user


def _locked(token: str) -> Invitation:
    """The invitation, locked, so that two who come at once do not both take its last place."""
    found = None
    if len(token) <= LONGEST_TOKEN:
        rows = Invitation.objects.select_for_update(of=("self",)).select_related("project")
        found = rows.filter(digest=digest_invitation(token)).first()
    if found is None or found.revoked_at is not None or found.expires_at <= timezone.now():
        raise _refusal()
    return found


def _is_used_up(invitation: Invitation) -> bool:
    return invitation.uses.count() >= invitation.most_uses


def _refusal() -> NotFound:
    return NotFound(
        "This invitation does not let anybody in: it is wrong, ended, expired or used up. Ask for a new one."
    )


def _check(role: str, days: int, most_uses: int, label: str) -> None:
    wrong = []
    if role not in Role.values:
        wrong.append(("role", f"{role!r} is no role; use {', '.join(Role.values)}."))
    if not 1 <= days <= MOST_DAYS:
        wrong.append(("days", f"An invitation lasts 1 to {MOST_DAYS} days."))
    if not 1 <= most_uses <= MOST_USES:
        wrong.append(("most_uses", f"An invitation lets in 1 to {MOST_USES:,} people."))
    if len(label) > LONGEST_LABEL or "\0" in label:
        wrong.append(("label", f"The label takes at most {LONGEST_LABEL} characters."))
    if wrong:
        faults = [{"field": field, "message": message} for field, message in wrong]
        raise ApplicationError(wrong[0][1], extra={"field": wrong[0][0], "faults": faults})


def _check_account(user: User, password: str) -> None:
    """What the sign-in page asks of names and passwords holds here too."""
    faults = []
    if "\0" in user.username + user.email + password:
        faults.append({"field": "username", "message": "Names and passwords hold no NUL."})
    elif User.objects.filter(username__iexact=user.username).exists():
        faults.append({"field": "username", "message": "This name is taken. If it is yours, sign in instead."})
    elif user.email and User.objects.filter(email__iexact=user.email).exists():
        faults.append({"field": "email", "message": "There is an account with this e-mail. Sign in instead."})
    try:
        validate_password(password, user)
    except ValidationError as error:
        faults.append({"field": "password", "message": " ".join(error.messages)})
    if faults:
        raise ApplicationError(faults[0]["message"], extra={"faults": faults})
