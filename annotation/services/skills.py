"""Skills: what tasks may ask of people, who has them, and which tasks ask."""

from collections.abc import Sequence

from django.db import transaction

from annotation.exceptions import ApplicationError, Conflict, NotFound
from annotation.models import PersonSkill, Project, Skill, Task, User
from annotation.models.skill import HIGHEST_LEVEL, LOWEST_LEVEL
from annotation.permissions import Role, find_role, require_role
from annotation.services import audit
from annotation.services.projects import save_checked


@transaction.atomic
def add_skill(
    *, project: Project, actor: User, name: str, label: str = "", description: str = "", address: str | None = None
) -> Skill:
    """A skill that tasks of the project may ask for. Raises: Conflict(code="skill_exists"), ApplicationError."""
    require_role(user=actor, project=project, role=Role.MANAGER)
    if Skill.objects.filter(project=project, name=name).exists():
        raise Conflict(f"The project has a skill {name!r} already.", code="skill_exists", extra={"field": "name"})
    label = label.strip() or name.replace("-", " ").replace("_", " ").capitalize()
    skill = Skill(project=project, name=name, label=label, description=description)
    save_checked(skill)
    audit.record(
        actor=actor, action="add_skill", obj=skill, project=project, data={"name": skill.name}, address=address
    )
    return skill


@transaction.atomic
def remove_skill(*, skill: Skill, actor: User, address: str | None = None) -> None:
    """Takes a skill out of a project. Raises: Conflict(code="skill_in_use") while tasks ask for it."""
    require_role(user=actor, project=skill.project, role=Role.MANAGER)
    asking = Task.objects.filter(skill=skill).count()
    if asking:
        raise Conflict(
            f"{asking:,} tasks ask for {skill.label!r}; take the requirement off them first.",
            code="skill_in_use",
            extra={"tasks": asking},
        )
    audit.record(
        actor=actor,
        action="remove_skill",
        obj=skill,
        project=skill.project,
        data={"name": skill.name},
        address=address,
    )
    skill.delete()


@transaction.atomic
def set_person_skill(*, skill: Skill, person: User, level: int, actor: User, address: str | None = None) -> PersonSkill:
    """Says that a member of the project has a skill, to this level; what was measured stays.

    Raises: ApplicationError for a level out of range, NotFound for somebody who is no member.
    """
    require_role(user=actor, project=skill.project, role=Role.MANAGER)
    _check_level(level)
    if find_role(user=person, project=skill.project) is None:
        raise NotFound("This person is no member of the project.")
    row, _ = PersonSkill.objects.update_or_create(skill=skill, person=person, defaults={"level": level})
    audit.record(
        actor=actor,
        action="set_person_skill",
        obj=row,
        project=skill.project,
        data={"skill": skill.name, "user": person.pk, "level": level},
        address=address,
    )
    return row


@transaction.atomic
def remove_person_skill(*, skill: Skill, person: User, actor: User, address: str | None = None) -> None:
    """Takes a skill from a person; a lease they hold stays theirs. Raises: NotFound where they do not have it."""
    require_role(user=actor, project=skill.project, role=Role.MANAGER)
    row = PersonSkill.objects.filter(skill=skill, person=person).first()
    if row is None:
        raise NotFound("This person does not have the skill.")
    audit.record(
        actor=actor,
        action="remove_person_skill",
        obj=row,
        project=skill.project,
        data={"skill": skill.name, "user": person.pk},
        address=address,
    )
    row.delete()


@transaction.atomic
def require_skill(
    *,
    project: Project,
    task_ids: Sequence[int],
    skill: Skill | None,
    level: int = LOWEST_LEVEL,
    actor: User,
    address: str | None = None,
) -> int:
    """Makes tasks ask for a skill at a level, or for nothing; tells how many. Leases that are held stay.

    Raises: NotFound for a task or a skill of another project; nothing is changed then.
    """
    require_role(user=actor, project=project, role=Role.MANAGER)
    _check_level(level)
    if skill is not None and skill.project_id != project.pk:
        raise NotFound("This project has no such skill.")
    wanted = set(task_ids)
    changed = Task.objects.filter(project=project, pk__in=wanted).update(skill=skill, skill_level=level)
    if changed != len(wanted):
        raise NotFound(f"{len(wanted) - changed} of these tasks are not in the project; nothing was changed.")
    audit.record(
        actor=actor,
        action="require_skill",
        obj=project,
        project=project,
        data={"skill": skill.name if skill else None, "level": level, "tasks": changed},
        address=address,
    )
    return changed


def _check_level(level: int) -> None:
    if isinstance(level, bool) or not isinstance(level, int) or not LOWEST_LEVEL <= level <= HIGHEST_LEVEL:
        raise ApplicationError(
            f"A level is a whole number from {LOWEST_LEVEL} to {HIGHEST_LEVEL}, not {level!r}.",
            extra={"field": "level"},
        )
