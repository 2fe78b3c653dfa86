"""Projects, their criteria and their people."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import F, Model

from annotation.exceptions import ApplicationError, Conflict, NotFound, NotPermitted
from annotation.models import Criterion, GuidelineVersion, Membership, Project, Slot, Task, User, WorkQueue
from annotation.permissions import Role, may_create_projects, require_role
from annotation.services import audit

SETTINGS = (
    "name",
    "guideline",
    "judgments_per_task",
    "lease_seconds",
    "lease_limit_seconds",
    "agreement_gate",
    "widen_seconds",
    "skips_per_day",
    "skips_to_hold",
    "reserve_slots",
    "practice_tasks",
    "qualification_tasks",
    "pass_mark",
    "qualification_attempts",
    "qualification_skill",
    "qualification_level",
    "gold_rate",
    "repeat_rate",
    "repeat_after",
    "gold_tolerance",
    "is_open",
)
"""What may be set at creation and changed later."""
CRITERION_KEYS = ("name", "label", "description", "minimum", "maximum", "step", "anchors", "required")


@transaction.atomic
def create_project(
    *,
    name: str,
    slug: str,
    kind: str,
    created_by: User | None,
    guideline: str = "",
    criteria: Sequence[Mapping[str, Any]] = (),
    judgments_per_task: int = 3,
    is_demo: bool = False,
    address: str | None = None,
    **settings: Any,
) -> Project:
    """A new project with its criteria; its creator becomes its manager.

    created_by: None when a command of the product makes it. settings: further ones of SETTINGS.
    Raises: NotPermitted, Conflict(code="slug_taken"), ApplicationError with `extra["faults"]` by field.
    """
    if created_by is not None and not may_create_projects(user=created_by):
        raise NotPermitted("Only staff and managers of a project may make projects.")
    _refuse_unknown(settings, SETTINGS)
    if Project.objects.filter(slug=slug).exists():
        raise Conflict(f"There is already a project {slug!r}.", code="slug_taken", extra={"field": "slug"})
    project = Project(
        name=name,
        slug=slug,
        kind=kind,
        created_by=created_by,
        guideline=guideline,
        judgments_per_task=judgments_per_task,
        is_demo=is_demo,
        **settings,
    )
    save_checked(project)
    _keep_guideline(project, created_by)
    add_criteria(project=project, criteria=criteria)
    if created_by is not None:
        Membership.objects.create(project=project, user=created_by, role=Role.MANAGER)
    audit.record(actor=created_by, action="create_project", obj=project, project=project, address=address)
    return project


def add_criteria(*, project: Project, criteria: Sequence[Mapping[str, Any]]) -> list[Criterion]:
    """Adds scales to a project, in the given order. Part of other services, so it neither asks nor records."""
    start = project.criteria.count()
    rows = []
    for position, criterion in enumerate(criteria, start=start):
        _refuse_unknown(criterion, CRITERION_KEYS)
        row = Criterion(project=project, position=position, **criterion)
        row.label = row.label or row.name.replace("-", " ").replace("_", " ").capitalize()
        save_checked(row)
        rows.append(row)
    return rows


@transaction.atomic
def update_project(*, project: Project, actor: User, address: str | None = None, **changes: Any) -> Project:
    """Changes settings. A changed guideline gets a new version; a changed overlap opens or withdraws slots."""
    require_role(user=actor, project=project, role=Role.MANAGER)
    _refuse_unknown(changes, SETTINGS)
    row = Project.objects.select_for_update().get(pk=project.pk)
    changed = {name: value for name, value in changes.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    if "guideline" in changed:
        row.guideline_version += 1
    save_checked(row)
    if "guideline" in changed:
        _keep_guideline(row, actor)
    if "judgments_per_task" in changed:
        _fit_slots(row)
    audit.record(
        actor=actor, action="update_project", obj=row, project=row, data={"fields": sorted(changed)}, address=address
    )
    return row


def _keep_guideline(project: Project, author: User | None) -> None:
    GuidelineVersion.objects.create(
        project=project, number=project.guideline_version, text=project.guideline, author=author
    )


def _fit_slots(project: Project) -> None:
    """As many slots per task as the project wants now; filled and held slots stay."""
    wanted = project.judgments_per_task
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO annotation_slot (project_id, task_id, number, state, priority)
            SELECT t.project_id, t.id, n.number, 'free', t.priority
            FROM annotation_task t CROSS JOIN generate_series(1, %s) AS n(number)
            WHERE t.project_id = %s AND t.purpose = 'normal'
            ON CONFLICT (task_id, number) DO NOTHING
            """,
            [wanted, project.pk],
        )
    slots = Slot.objects.filter(project=project, task__purpose=Task.Purpose.NORMAL)
    slots.filter(state=Slot.State.FREE, number__gt=wanted).update(state=Slot.State.RELEASED)
    if slots.filter(state=Slot.State.RELEASED, number__lte=wanted).update(state=Slot.State.FREE):
        # Slots that are free again lie before people's cursors; a new epoch sends these to the front.
        WorkQueue.objects.filter(project=project).update(epoch=F("epoch") + 1)


@transaction.atomic
def set_task_state(*, task: Task, state: str, actor: User, address: str | None = None) -> Task:
    """Opens, pauses or archives a task; only open tasks are given out."""
    require_role(user=actor, project=task.project, role=Role.MANAGER)
    if state not in Task.State.values:
        raise ApplicationError(f"{state!r} is no state of a task; use {', '.join(Task.State.values)}.")
    task.state = state
    task.save(update_fields=["state"])
    audit.record(
        actor=actor, action="set_task_state", obj=task, project=task.project, data={"state": state}, address=address
    )
    return task


@transaction.atomic
def set_role(*, project: Project, user: User, role: str, actor: User, address: str | None = None) -> Membership:
    """Makes somebody a member with this role, or changes the role they have."""
    require_role(user=actor, project=project, role=Role.MANAGER)
    if role not in Role.values:
        raise ApplicationError(f"{role!r} is no role; use {', '.join(Role.values)}.", extra={"field": "role"})
    Project.objects.select_for_update().get(pk=project.pk)
    if role != Role.MANAGER:
        _keep_a_manager(project, user)
    membership, _ = Membership.objects.update_or_create(project=project, user=user, defaults={"role": role})
    audit.record(
        actor=actor,
        action="set_role",
        obj=membership,
        project=project,
        data={"user": user.pk, "role": role},
        address=address,
    )
    return membership


@transaction.atomic
def remove_member(*, project: Project, user: User, actor: User, address: str | None = None) -> None:
    """Takes somebody out of the project: their leases end, their judgments stay."""
    require_role(user=actor, project=project, role=Role.MANAGER)
    Project.objects.select_for_update().get(pk=project.pk)
    membership = Membership.objects.filter(project=project, user=user).first()
    if membership is None:
        raise NotFound("This person is no member of the project.")
    _keep_a_manager(project, user)
    Slot.objects.filter(project=project, annotator=user, state=Slot.State.LEASED).update(
        state=Slot.State.FREE, annotator=None, last_annotator=user, lease_token=None, lease_expires_at=None
    )
    audit.record(
        actor=actor, action="remove_member", obj=membership, project=project, data={"user": user.pk}, address=address
    )
    membership.delete()


def _keep_a_manager(project: Project, user: User) -> None:
    """Raises: Conflict if the project would be left without a manager."""
    managers = Membership.objects.filter(project=project, role=Role.MANAGER)
    if managers.filter(user=user).exists() and not managers.exclude(user=user).exists():
        raise Conflict("This is the project's last manager; name another one first.", code="last_manager")


def save_checked(row: Model) -> None:
    """Saves a row that fits its fields and constraints. Raises: ApplicationError with the faults by field."""
    try:
        row.full_clean(exclude=["created_by"])  # null there means "the product itself", which a form may not say
    except ValidationError as error:
        faults = [{"field": field, "message": " ".join(messages)} for field, messages in error.message_dict.items()]
        sentence = "; ".join(f"{fault['field']}: {fault['message']}" for fault in faults)
        raise ApplicationError(sentence, extra={"faults": faults}) from error
    row.save()


def _refuse_unknown(given: Mapping[str, Any], known: Sequence[str]) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        faults = [{"field": name, "message": f"unknown; known are {', '.join(known)}"} for name in unknown]
        raise ApplicationError(f"Unknown: {', '.join(unknown)}.", extra={"faults": faults})
