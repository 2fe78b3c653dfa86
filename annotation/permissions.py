"""Who may do what in a project. Outsiders learn nothing: to them a project does not exist."""

from annotation.exceptions import NotFound, NotPermitted
from annotation.models import Membership, Project, User

Role = Membership.Role

RANKS: dict[str, int] = {Role.ANNOTATOR: 1, Role.REVIEWER: 2, Role.MANAGER: 3}
"""A role may do everything that a lower one may."""


def find_role(*, user: User, project: Project) -> str | None:
    """The person's role in the project, None for an outsider. A superuser is a manager everywhere."""
    if user.is_superuser:
        return Role.MANAGER
    known: tuple[int, str | None] | None = getattr(project, "_role_read_with_it", None)
    if known is not None and known[0] == user.pk:
        return known[1]
    return Membership.objects.filter(project=project, user=user).values_list("role", flat=True).first()


def remember_role(*, user: User, project: Project, role: str | None) -> None:
    """Notes on a project just read what the same statement read of the person's role; it lives no longer than it."""
    project._role_read_with_it = (user.pk, role)  # type: ignore[attr-defined]


def require_role(*, user: User, project: Project, role: str) -> None:
    """Lets a person with this role or a higher one pass.

    Raises: NotFound for outsiders, NotPermitted for members whose role is too low.
    """
    held = find_role(user=user, project=project)
    if held is None:
        raise NotFound("There is no such project.")
    if RANKS[held] < RANKS[role]:
        raise NotPermitted(f"This needs the role {role}; yours is {held}.", extra={"needed": str(role), "held": held})


def may_create_projects(*, user: User) -> bool:
    """Staff, and whoever already manages a project; annotators are invited to judge, not to run campaigns."""
    if not user.is_active:
        return False
    if user.is_superuser or user.is_staff:
        return True
    return Membership.objects.filter(user=user, role=Role.MANAGER).exists()
