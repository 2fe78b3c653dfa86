"""A reviewer's verdict on a task, and flags that are dealt with. Neither changes a judgment."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from annotation.exceptions import ApplicationError, Conflict, NotFound
from annotation.models import Flag, Judgment, Project, Task, User, Verdict
from annotation.permissions import Role, require_role
from annotation.services import audit
from annotation.services.judgment_rows import check_answer, load_sheet

REASON_CHARACTERS = 2000


@transaction.atomic
def give_verdict(
    *,
    task: Task,
    reviewer: User,
    outcome: str,
    answer: Mapping[str, Any] | None,
    reason: str,
    based_on: Sequence[int],
    address: str | None = None,
) -> Verdict:
    """The verdict, which takes the place of an earlier one. It settles the task: open flags are resolved, and a task
    held for a manager (or found unusable) is archived; what people said about it stays.

    answer: in response keys; None where the task is unusable. based_on: ids of the judgments that the reviewer saw.
    The same verdict by the same reviewer again is the same row.
    Raises: NotFound, NotPermitted, InvalidAnswer, ApplicationError; Conflict(code="judged_since") where the task has
    other judgments by now.
    """
    require_role(user=reviewer, project=task.project, role=Role.REVIEWER)
    task = Task.objects.select_for_update(of=("self",)).select_related("project").get(pk=task.pk)
    checked = _checked_answer(task, outcome, answer)
    reason = _checked_reason(reason)
    _check_seen(task, based_on)
    earlier = Verdict.objects.filter(task=task, is_current=True).first()
    said = {"outcome": outcome, "answer": checked, "reason": reason, "based_on": sorted(set(based_on))}
    if earlier is not None:
        if earlier.reviewer_id == reviewer.pk and all(getattr(earlier, name) == said[name] for name in said):
            return earlier
        Verdict.objects.filter(pk=earlier.pk).update(is_current=False)
    verdict = Verdict.objects.create(project=task.project, task=task, reviewer=reviewer, supersedes=earlier, **said)
    _settle(task, outcome)
    audit.record(
        actor=reviewer,
        action="give_verdict",
        obj=verdict,
        project=task.project,
        data={"task": task.pk, "outcome": outcome, "supersedes": earlier.pk if earlier else None},
        address=address,
    )
    return verdict


@transaction.atomic
def resolve_flag(*, project: Project, flag_id: int, actor: User, address: str | None = None) -> Flag:
    """Says that a flag has been dealt with; a flag that was is left as it is."""
    require_role(user=actor, project=project, role=Role.REVIEWER)
    flag = Flag.objects.select_for_update().filter(task__project=project, pk=flag_id).first()
    if flag is None:
        raise NotFound("There is no such flag in this project.")
    if flag.resolved_at is None:
        flag.resolved_at = timezone.now()
        flag.save(update_fields=["resolved_at"])
        audit.record(
            actor=actor, action="resolve_flag", obj=flag, project=project, data={"task": flag.task_id}, address=address
        )
    return flag


def current_judgment_ids(*, task: Task) -> list[int]:
    """What a verdict on the task is based on now."""
    return list(Judgment.objects.filter(task=task, is_current=True).order_by("pk").values_list("pk", flat=True))


def _checked_answer(task: Task, outcome: str, answer: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if outcome == Verdict.Outcome.UNUSABLE:
        if answer:
            raise _refusal("answer", "A task that cannot be judged has no answer.")
        return None
    if outcome != Verdict.Outcome.ANSWER:
        raise _refusal("outcome", f"{outcome!r} is no outcome; use {', '.join(Verdict.Outcome.values)}.")
    checked = check_answer(load_sheet(task), answer or {}).as_mapping()
    return {**checked, "active_ms": None, "confidence": None, "rationale": ""}


def _checked_reason(reason: str) -> str:
    reason = reason.strip()
    if not 1 <= len(reason) <= REASON_CHARACTERS:
        raise _refusal("reason", f"A verdict needs a reason of 1 to {REASON_CHARACTERS:,} characters.")
    return reason


def _check_seen(task: Task, based_on: Sequence[int]) -> None:
    now = current_judgment_ids(task=task)
    if sorted(set(based_on)) != now:
        raise Conflict(
            "Somebody has judged the task since you opened it. Look at it again; your reason is kept in the form.",
            code="judged_since",
            extra={"judgments": now},
        )


def _settle(task: Task, outcome: str) -> None:
    Flag.objects.filter(task=task, resolved_at=None).update(resolved_at=timezone.now())
    if task.state == Task.State.HELD or outcome == Verdict.Outcome.UNUSABLE:
        task.state = Task.State.ARCHIVED
        task.save(update_fields=["state"])


def _refusal(field: str, message: str) -> ApplicationError:
    return ApplicationError(message, extra={"field": field})
