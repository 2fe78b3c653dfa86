"""Skills of a project and the people who have them."""

from typing import Any

from django.db.models import Count, Manager, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from annotation.exceptions import NotFound
from annotation.models import PersonSkill, Project, Skill, Task


def project_skills(*, project: Project) -> QuerySet[Skill]:
    """The project's skills by name, each with `people_count` and `task_count`."""
    return Skill.objects.filter(project=project).annotate(
        people_count=_count(PersonSkill.objects), task_count=_count(Task.objects)
    )


def _count(rows: Manager[Any]) -> Coalesce:
    """How many of these rows name the skill; a subquery each, for a join of both would multiply them."""
    counted = rows.filter(skill=OuterRef("pk")).order_by().values("skill").annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(counted), 0)


def find_skill(*, project: Project, name: str) -> Skill:
    """Raises: NotFound."""
    skill = Skill.objects.filter(project=project, name=name).first()
    if skill is None:
        raise NotFound(f"This project has no skill {name!r}.")
    return skill


def skilled_people(*, project: Project, skill: Skill | None = None) -> QuerySet[PersonSkill]:
    """Who has which skill at which level, the best measured first."""
    rows = PersonSkill.objects.filter(skill__project=project).select_related("skill", "person")
    rows = rows if skill is None else rows.filter(skill=skill)
    return rows.order_by("skill__name", "standing", "person__username")
