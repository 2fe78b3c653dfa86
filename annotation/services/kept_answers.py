"""Answers that came too late for their slot: kept, then accepted or dismissed by a manager."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction

from annotation.exceptions import Conflict, NotFound
from annotation.models import Judgment, KeptAnswer, Slot, Task, User
from annotation.permissions import Role, require_role
from annotation.services import audit
from annotation.services.judgment_rows import build_judgment, check_answer, load_sheet, save_judgment


def key_reused(key: str) -> Conflict:
    """What a client is told that used one key for two answers."""
    return Conflict(
        "This idempotency key was used for another answer. Make a new key for every answer.",
        code="idempotency_key_reused",
        extra={"idempotency_key": key},
    )


@transaction.atomic
def keep_answer(
    *,
    annotator: User,
    task: Task,
    answer: Mapping[str, Any],
    reason: str,
    idempotency_key: str = "",
    shown_order: Sequence[str] = (),
) -> KeptAnswer:
    """Stores a late answer; sent again, it is the same row.

    shown_order: the response keys as the person saw them; empty if that is not known.
    Raises: Conflict(code="idempotency_key_reused") where the key came with another answer.
    """
    same = {"idempotency_key": idempotency_key} if idempotency_key else {"task": task, "answer": answer}
    kept, created = KeptAnswer.objects.get_or_create(
        annotator=annotator,
        **same,
        defaults={"task": task, "answer": answer, "reason": reason, "shown_order": list(shown_order)},
    )
    if kept.task_id != task.pk or kept.answer != answer:
        raise key_reused(idempotency_key)
    if created:
        audit.record(
            actor=annotator,
            action="keep_answer",
            obj=kept,
            project=task.project,
            data={"task": task.pk, "reason": reason},
        )
    return kept


@transaction.atomic
def accept_kept_answer(*, manager: User, kept_answer_id: int) -> Judgment:
    """Makes a judgment of a kept answer. It fills a free slot of its task if there is one; else it is surplus.

    Raises: NotFound, NotPermitted, Conflict (decided already, or the person has judged the task since).
    """
    kept = _locked(manager, kept_answer_id)
    task = kept.task
    if Judgment.objects.filter(task=task, annotator=kept.annotator).exists():
        raise Conflict("This person has judged the task in the meantime.", code="already_judged")
    sheet = load_sheet(task)
    answer = check_answer(sheet, kept.answer)
    slot = _fill_slot(kept)
    judgment = build_judgment(
        answer,
        project=task.project,
        task=task,
        annotator=kept.annotator,
        slot=slot,
        shown_order=kept.shown_order,
        guideline_version=task.project.guideline_version,
        created_at=kept.created_at,
    )
    save_judgment(judgment, answer, sheet)
    kept.state = KeptAnswer.State.ACCEPTED
    kept.save(update_fields=["state"])
    audit.record(
        actor=manager, action="accept_kept_answer", obj=kept, project=task.project, data={"judgment": judgment.pk}
    )
    return judgment


@transaction.atomic
def dismiss_kept_answer(*, manager: User, kept_answer_id: int) -> KeptAnswer:
    """Leaves a kept answer out; it stays readable."""
    kept = _locked(manager, kept_answer_id)
    kept.state = KeptAnswer.State.DISMISSED
    kept.save(update_fields=["state"])
    audit.record(actor=manager, action="dismiss_kept_answer", obj=kept, project=kept.task.project)
    return kept


def _locked(manager: User, kept_answer_id: int) -> KeptAnswer:
    kept = (
        KeptAnswer.objects.select_for_update(of=("self",))
        .select_related("task__project", "annotator")
        .filter(pk=kept_answer_id)
        .first()
    )
    if kept is None:
        raise NotFound("There is no such kept answer.")
    require_role(user=manager, project=kept.task.project, role=Role.MANAGER)
    if kept.state != KeptAnswer.State.KEPT:
        raise Conflict(f"This answer is already {kept.state}.", code="already_decided", extra={"state": kept.state})
    return kept


def _fill_slot(kept: KeptAnswer) -> Slot | None:
    """Raises: Conflict where this person takes a slot of the task in this very moment."""
    try:
        with transaction.atomic():
            return _slot_for(kept)
    except IntegrityError:
        raise Conflict("This person is at work on the task right now; decide later.", code="held_now") from None


def _slot_for(kept: KeptAnswer) -> Slot | None:
    """The slot this person holds on the task, else a free one; it is filled."""
    slots = Slot.objects.select_for_update(skip_locked=True).filter(task=kept.task)
    slot = slots.filter(state=Slot.State.LEASED, annotator=kept.annotator).first()
    slot = slot or slots.filter(state=Slot.State.FREE).order_by("number").first()
    if slot is not None:
        slot.state, slot.annotator = Slot.State.SUBMITTED, kept.annotator
        slot.save(update_fields=["state", "annotator"])
    return slot
