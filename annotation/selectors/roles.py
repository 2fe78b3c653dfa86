"""Projects together with the role that a person has in them."""

from django.db.models import CharField, OuterRef, QuerySet, Subquery, Value

from annotation.models import Membership, Project, User
from annotation.selectors.work import projects_for


def projects_with_role(*, user: User) -> QuerySet[Project]:
    """The projects a person may see, each with `my_role`; a superuser is a manager everywhere."""
    if user.is_superuser:
        return projects_for(user=user).annotate(my_role=Value(Membership.Role.MANAGER.value, CharField()))
    mine = Membership.objects.filter(user=user, project=OuterRef("pk")).values("role")[:1]
    return projects_for(user=user).annotate(my_role=Subquery(mine))
