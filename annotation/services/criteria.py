"""The scales of a project, changed while that harms nobody's judgment."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max

from annotation.exceptions import ApplicationError, Conflict, NotFound
from annotation.models import Criterion, Project, Score, User
from annotation.permissions import Role, require_role
from annotation.services import audit
from annotation.services.projects import CRITERION_KEYS, add_criteria, save_checked

SCALE = ("name", "minimum", "maximum", "step")
"""What numbers mean: fixed once somebody has given one."""
WORDS = ("label", "description", "anchors", "required")
MOST_CRITERIA = 20


@transaction.atomic
def add_criterion(
    *, project: Project, criterion: Mapping[str, Any], actor: User, address: str | None = None
) -> Criterion:
    """A further scale, after the others. Raises: Conflict(code="criterion_exists"), ApplicationError by field."""
    require_role(user=actor, project=project, role=Role.MANAGER)
    Project.objects.select_for_update().get(pk=project.pk)
    if project.criteria.filter(name=criterion.get("name")).exists():
        raise Conflict("The project has a criterion of this name.", code="criterion_exists", extra={"field": "name"})
    if project.criteria.count() >= MOST_CRITERIA:
        raise ApplicationError(f"A project has at most {MOST_CRITERIA} criteria.", extra={"field": "name"})
    row = add_criteria(project=project, criteria=[criterion])[0]
    last = project.criteria.exclude(pk=row.pk).aggregate(last=Max("position"))["last"]
    if last is not None and row.position <= last:
        row.position = last + 1
        row.save(update_fields=["position"])
    _record("add_criterion", row, actor, address)
    return row


@transaction.atomic
def change_criterion(
    *, project: Project, criterion_id: int, changes: Mapping[str, Any], actor: User, address: str | None = None
) -> Criterion:
    """Other words for a scale, or another scale while nobody has used it.

    Raises: NotFound, NotPermitted, ApplicationError by field; Conflict(code="criterion_used") for another scale where
    somebody has given a number on this one.
    """
    row = _locked(project, criterion_id, actor)
    unknown = sorted(set(changes) - set(CRITERION_KEYS))
    if unknown:
        raise ApplicationError(f"Unknown: {', '.join(unknown)}.", extra={"field": unknown[0]})
    changed = {name: value for name, value in changes.items() if getattr(row, name) != value}
    other_scale = sorted(set(changed) & set(SCALE))
    if other_scale and _is_used(row):
        raise Conflict(
            f"People have scored on {row.label!r}; its {', '.join(other_scale)} cannot change any more. Add another "
            "criterion instead.",
            code="criterion_used",
            extra={"field": other_scale[0]},
        )
    for name, value in changed.items():
        setattr(row, name, value)
    save_checked(row)
    if changed:
        _record("change_criterion", row, actor, address, fields=sorted(changed))
    return row


@transaction.atomic
def remove_criterion(*, project: Project, criterion_id: int, actor: User, address: str | None = None) -> None:
    """Takes a scale out. Raises: NotFound, NotPermitted; Conflict(code="criterion_used") once somebody has used it."""
    row = _locked(project, criterion_id, actor)
    if _is_used(row):
        raise Conflict(f"People have scored on {row.label!r}; their numbers would be lost.", code="criterion_used")
    _record("remove_criterion", row, actor, address)
    row.delete()


def _locked(project: Project, criterion_id: int, actor: User) -> Criterion:
    require_role(user=actor, project=project, role=Role.MANAGER)
    row = Criterion.objects.select_for_update().filter(project=project, pk=criterion_id).first()
    if row is None:
        raise NotFound("There is no such criterion in this project.")
    return row


def _is_used(row: Criterion) -> bool:
    return Score.objects.filter(criterion=row).exists()


def _record(action: str, row: Criterion, actor: User, address: str | None, **data: Any) -> None:
    audit.record(
        actor=actor,
        action=action,
        obj=row,
        project=row.project,
        data={"name": row.name, **data},
        address=address,
    )
