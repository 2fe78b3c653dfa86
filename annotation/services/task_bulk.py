"""What managers do to many tasks at once: the ones they selected, or all that fit their filters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from annotation.exceptions import ApplicationError, Conflict, NotFound
from annotation.models import Project, Prompt, Slot, Task, User
from annotation.permissions import Role, require_role
from annotation.selectors.skills import find_skill
from annotation.selectors.task_filters import TaskFilters, filter_tasks
from annotation.services import audit
from annotation.services.skills import require_skill

MOST_WANTED = 50
LONGEST_TAG = 60
GREATEST_PRIORITY = 1e9
MOST_NAMED = 1_000


@dataclass(frozen=True, slots=True)
class TaskSelection:
    """Tasks of a project: by id, or all that fit filters."""

    project: Project
    ids: Sequence[int] | None = None
    filters: TaskFilters | None = None

    def tasks(self) -> QuerySet[Task]:
        """The tasks meant. Raises: ApplicationError where nothing says which."""
        if self.ids is not None:
            return Task.objects.filter(project=self.project, pk__in=self.ids)
        if self.filters is None:
            raise ApplicationError("Say which tasks: by their ids, or by filters.", extra={"field": "ids"})
        return filter_tasks(project=self.project, filters=self.filters)

    def describe(self) -> dict[str, Any]:
        """For the audit trail."""
        if self.ids is not None:
            return {"ids": sorted(self.ids)[:MOST_NAMED]}
        return {"filters": self.filters.as_mapping() if self.filters else {}}


@transaction.atomic
def prioritize_tasks(*, selection: TaskSelection, priority: float, actor: User, address: str | None = None) -> int:
    """Gives tasks a priority (higher is given out first) and tells how many were meant."""
    ids = _meant(selection, actor)
    if not abs(priority) <= GREATEST_PRIORITY:
        raise _refusal("value", f"A priority is a number between -{GREATEST_PRIORITY:g} and {GREATEST_PRIORITY:g}.")
    Task.objects.filter(pk__in=ids).exclude(priority=priority).update(priority=priority)
    return _record("prioritize_tasks", selection, actor, address, len(ids), priority=priority)


@transaction.atomic
def tag_tasks(*, selection: TaskSelection, tag: str, actor: User, address: str | None = None) -> int:
    """Puts a tag on the prompts of tasks; a prompt that has it keeps it once."""
    ids, tag = _meant(selection, actor), _checked_tag(tag)
    prompts = Prompt.objects.filter(tasks__in=ids).exclude(tags__contains=[tag])
    _set_tags(prompts, "tags || to_jsonb(%s::text)", tag)
    return _record("tag_tasks", selection, actor, address, len(ids), tag=tag)


@transaction.atomic
def untag_tasks(*, selection: TaskSelection, tag: str, actor: User, address: str | None = None) -> int:
    """Takes a tag off the prompts of tasks."""
    ids, tag = _meant(selection, actor), _checked_tag(tag)
    _set_tags(Prompt.objects.filter(tasks__in=ids, tags__contains=[tag]), "tags - %s::text", tag)
    return _record("untag_tasks", selection, actor, address, len(ids), tag=tag)


@transaction.atomic
def want_judgments(*, selection: TaskSelection, wanted: int, actor: User, address: str | None = None) -> int:
    """Says how many people shall judge each of the tasks: slots are opened or withdrawn, filled and leased ones stay.

    Tasks that are there to measure people (gold, practice, repeats) have no such number and are left out.
    """
    ids = _meant(selection, actor, purpose=Task.Purpose.NORMAL)
    if not 1 <= wanted <= MOST_WANTED:
        raise _refusal("value", f"The judgments wanted are a number from 1 to {MOST_WANTED}.")
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO annotation_slot (project_id, task_id, number, state, priority)
            SELECT t.project_id, t.id, n.number, 'free', t.priority
            FROM annotation_task t CROSS JOIN generate_series(1, %s) AS n(number) WHERE t.id = ANY(%s)
            ON CONFLICT (task_id, number) DO NOTHING
            """,
            [wanted, ids],
        )
    slots = Slot.objects.filter(task__in=ids)
    slots.filter(state=Slot.State.FREE, number__gt=wanted).update(state=Slot.State.RELEASED)
    slots.filter(state=Slot.State.RELEASED, number__lte=wanted).update(state=Slot.State.FREE)
    return _record("want_judgments", selection, actor, address, len(ids), wanted=wanted)


@transaction.atomic
def set_state_of_tasks(*, selection: TaskSelection, state: str, actor: User, address: str | None = None) -> int:
    """Opens, pauses or archives tasks."""
    ids = _meant(selection, actor)
    allowed = [value for value in Task.State.values if value != Task.State.HELD]
    if state not in allowed:
        raise _refusal("value", f"{state!r} is no state to put tasks into; use {', '.join(allowed)}.")
    Task.objects.filter(pk__in=ids).exclude(state=state).update(state=state)
    return _record("set_state_of_tasks", selection, actor, address, len(ids), state=state)


@transaction.atomic
def end_leases_of_tasks(*, selection: TaskSelection, actor: User, address: str | None = None) -> int:
    """Ends all leases of the tasks as if their time had run out, and tells of how many tasks."""
    ids = _meant(selection, actor)
    leased = Slot.objects.select_for_update().filter(task__in=ids, state=Slot.State.LEASED).order_by("pk")
    held = list(leased.values_list("pk", "annotator", "task"))
    for pk, holder, _ in held:
        Slot.objects.filter(pk=pk).update(
            state=Slot.State.FREE, annotator=None, last_annotator=holder, lease_expires_at=None, heartbeat_at=None
        )
    return _record("end_leases_of_tasks", selection, actor, address, len(ids), leases=len(held))


@transaction.atomic
def ask_for_skill(*, selection: TaskSelection, skill: str, level: int, actor: User, address: str | None = None) -> int:
    """Makes the tasks ask for a skill by name at a level; an empty name takes the requirement off."""
    ids = _meant(selection, actor)
    found = find_skill(project=selection.project, name=skill) if skill else None
    return require_skill(
        project=selection.project, task_ids=ids, skill=found, level=level, actor=actor, address=address
    )


def _meant(selection: TaskSelection, actor: User, **more: Any) -> list[int]:
    """The ids of the tasks, locked by nobody: each statement after it changes only what is still there.

    Raises: NotPermitted; NotFound for an id of another project.
    """
    require_role(user=actor, project=selection.project, role=Role.MANAGER)
    if selection.ids is not None and selection.tasks().count() != len(set(selection.ids)):
        raise NotFound("Some of these tasks are not in the project; nothing was changed.")
    return list(selection.tasks().filter(**more).order_by("pk").values_list("pk", flat=True))


def _checked_tag(tag: str) -> str:
    tag = tag.strip()
    if not 1 <= len(tag) <= LONGEST_TAG or any(ord(letter) < ord(" ") for letter in tag):
        raise _refusal("value", f"A tag is a text of 1 to {LONGEST_TAG} characters on one line.")
    return tag


def _set_tags(prompts: QuerySet[Prompt], expression: str, tag: str) -> None:
    ids = list(prompts.values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE annotation_prompt SET tags = {expression} WHERE id = ANY(%s)", [tag, ids])  # noqa: S608 - one of two expressions of this file


def _record(action: str, selection: TaskSelection, actor: User, address: str | None, count: int, **data: Any) -> int:
    audit.record(
        actor=actor,
        action=action,
        obj=selection.project,
        project=selection.project,
        data={"tasks": count, **data, **selection.describe()},
        address=address,
    )
    return count


def _refusal(field: str, message: str) -> ApplicationError:
    return ApplicationError(message, extra={"field": field})


ACTIONS: dict[str, Callable[..., int]] = {
    "prioritize": prioritize_tasks,
    "tag": tag_tasks,
    "untag": untag_tasks,
    "want_judgments": want_judgments,
    "set_state": set_state_of_tasks,
    "end_leases": end_leases_of_tasks,
    "ask_for_skill": ask_for_skill,
}
"""By the name that pages and the API use."""

ARGUMENTS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "prioritize": {"priority": (int, float)},
    "tag": {"tag": str},
    "untag": {"tag": str},
    "want_judgments": {"wanted": int},
    "set_state": {"state": str},
    "end_leases": {},
    "ask_for_skill": {"skill": str, "level": int},
}


@transaction.atomic
def change_tasks(
    *,
    selection: TaskSelection,
    action: str,
    arguments: dict[str, Any],
    actor: User,
    expected: int | None = None,
    address: str | None = None,
) -> int:
    """One of ACTIONS by name, with arguments from outside; tells how many tasks were meant.

    expected: how many the caller thinks they are. Raises: Conflict(code="other_count") if they are not.
    """
    known = ARGUMENTS[action]
    for name in sorted(set(known) | set(arguments)):
        if name not in known:
            raise _refusal(f"arguments.{name}", f"{action} takes {', '.join(known) or 'no arguments'}; not {name!r}.")
        value = arguments.get(name)
        if isinstance(value, bool) or not isinstance(value, known[name]):
            raise _refusal(f"arguments.{name}", f"{action} needs {name}, and of the right type.")
    require_role(user=actor, project=selection.project, role=Role.MANAGER)
    count = selection.tasks().count()
    if expected is not None and expected != count:
        raise Conflict(
            f"{count:,} tasks are meant, not {expected:,}; nothing was changed.",
            code="other_count",
            extra={"tasks": count},
        )
    return ACTIONS[action](selection=selection, actor=actor, address=address, **arguments)
