"""Reading the registry."""

from collections.abc import Sequence

from django.db.models import Q, QuerySet

from annotation.exceptions import NotFound
from annotation.models import Membership, Project, User
from annotation.permissions import Role, require_role
from trainingruns.models import ModelVersion


def versions_of(*, project: Project) -> QuerySet[ModelVersion]:
    """The project's versions and those that every project may start from, newest first."""
    versions = ModelVersion.objects.filter(Q(project=project) | Q(project=None))
    return versions.select_related("parent", "run", "project").order_by("-id")


def champions_of(*, project: Project) -> QuerySet[ModelVersion]:
    """The project's own champions, one of each name, the newest first."""
    return ModelVersion.objects.filter(project=project, stage=ModelVersion.Stage.CHAMPION).order_by("-id")


def champion_policy(*, project: Project) -> ModelVersion | None:
    """The project's own champion among policies; base models are champions of their names alone."""
    own = ModelVersion.objects.filter(project=project, kind=ModelVersion.Kind.POLICY)
    return own.filter(stage=ModelVersion.Stage.CHAMPION).first()


def get_version(*, user: User, version_id: int, role: str = Role.REVIEWER) -> ModelVersion:
    """A version that the person may see: a base model, or one of a project in which they have this role.

    Raises: NotFound, NotPermitted.
    """
    version = ModelVersion.objects.select_related("project", "run", "parent").filter(pk=version_id).first()
    if version is None:
        raise NotFound("There is no such model version.")
    if version.project is not None:
        require_role(user=user, project=version.project, role=role)
    elif not _is_behind_a_project(user):
        raise NotFound("There is no such model version.")
    return version


def _is_behind_a_project(user: User) -> bool:
    """Annotators are told of no model at all, so that they judge blindly."""
    return user.is_superuser or Membership.objects.filter(user=user, role__in=[Role.REVIEWER, Role.MANAGER]).exists()


def find_version(*, reference: str, kinds: Sequence[str] = ("policy", "reward")) -> ModelVersion:
    """The version that `NAME/NUMBER`, `NAME` (its champion, else its newest) or an id stands for. Raises: NotFound."""
    name, _, number = reference.rpartition("/")
    versions = ModelVersion.objects.filter(kind__in=kinds)
    if reference.isdecimal():
        found = versions.filter(pk=int(reference)).first()
    elif name and number.isdecimal():
        found = versions.filter(name=name, number=int(number)).first()
    else:
        named = versions.filter(name=reference)
        found = named.filter(stage=ModelVersion.Stage.CHAMPION).first() or named.order_by("-number").first()
    if found is None:
        wanted = ModelVersion.Kind(kinds[0]).label.lower() if len(kinds) == 1 else "model version"
        raise NotFound(f"There is no {wanted} {reference!r}. Write NAME/NUMBER, for instance demo-policy/1.")
    return found
