"""Judgments: submitted once, amended by new revisions, never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from annotation.allocation import shown_order
from annotation.exceptions import ApplicationError, Conflict, InvalidAnswer, NotFound
from annotation.kinds.registry import Answer
from annotation.models import Draft, Judgment, Slot, Task, User
from annotation.permissions import Role, require_role
from annotation.services import audit
from annotation.services.answer_sheets import open_sheet
from annotation.services.drafts import save_draft
from annotation.services.earlier_answers import find_earlier, same_or_conflict
from annotation.services.filled_slots import fill_slot
from annotation.services.judgment_rows import AnswerSheet, build_judgment, check_answer, load_sheet, save_judgment
from annotation.services.kept_answers import accept_kept_answer, dismiss_kept_answer, keep_answer, key_reused
from annotation.services.watching import TAUGHT, find_signals, follow_up

__all__ = [
    "Submission",
    "accept_kept_answer",
    "amend_judgment",
    "dismiss_kept_answer",
    "save_draft",
    "submit_answer",
    "submit_judgment",
]

KEY_CHARACTERS = 100


class _LeaseLost(Exception):
    """Ends the transaction of a submit whose slot is gone, so that the answer can be kept in one of its own."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What became of a submit."""

    judgment: Judgment
    is_new: bool
    """False when the same submit had come before."""


def submit_judgment(
    *,
    annotator: User,
    task_id: int,
    lease_token: UUID | str,
    answer: Mapping[str, Any],
    idempotency_key: str,
    address: str | None = None,
) -> Judgment:
    """`submit_answer` for callers to whom a repeated submit is as good as the first."""
    return submit_answer(
        annotator=annotator,
        task_id=task_id,
        lease_token=lease_token,
        answer=answer,
        idempotency_key=idempotency_key,
        address=address,
    ).judgment


def submit_answer(
    *,
    annotator: User,
    task_id: int,
    lease_token: UUID | str,
    answer: Mapping[str, Any],
    idempotency_key: str,
    seen_order: Sequence[str] = (),
    address: str | None = None,
    sheet: AnswerSheet | None = None,
) -> Submission:
    """The judgment that this answer became.

    answer: as annotation.kinds parses it, in response keys. Its faults are reported in letters.
    seen_order: the response keys as the client was shown them. A slot knows its order itself; this one is kept with
    an answer whose slot is lost. sheet: what `open_sheet` gave for this very task, token and person, where it is at
    hand.
    The same key with the same answer gives the same row again, however often and at once it is sent. A lease that
    ran out counts as long as nobody else took the slot.
    Raises: NotFound; InvalidAnswer; Conflict with the code idempotency_key_reused, already_submitted (amend that
    judgment instead) or lease_lost, in which case the answer is committed as a KeptAnswer named in `extra`.
    """
    _check_key(idempotency_key)
    token = _parse_token(lease_token)
    if sheet is None:
        sheet = open_sheet(annotator=annotator, task_id=task_id, lease_token=token)
    elif sheet.task.pk != task_id:
        raise ValueError(f"a sheet of task {sheet.task.pk} for an answer to task {task_id}")
    return _fill_at_once(annotator, sheet, token, answer, idempotency_key, address) or _submit_or_keep(
        annotator, sheet, token, answer, idempotency_key, seen_order, address
    )


def _fill_at_once(
    annotator: User, sheet: AnswerSheet, token: UUID, given: Mapping[str, Any], key: str, address: str | None
) -> Submission | None:
    """The usual case in one statement; None where something stands in the way and has to be looked at.

    Tasks with a purpose of their own have more to do in the same transaction and always go the long way.
    """
    if sheet.slot_id is None or sheet.task.purpose != Task.Purpose.NORMAL:
        return None
    order = shown_order(list(sheet.response_ids), task_id=sheet.task.pk, slot_number=sheet.slot_number)
    answer = check_answer(sheet, given, shown_order=order)
    judgment = _first_judgment(annotator, sheet, answer, sheet.slot_id, order, key, token)
    try:
        filled = fill_slot(judgment, answer, sheet, address=address)
    except IntegrityError:
        return None
    return Submission(judgment, is_new=True) if filled else None


def _submit_or_keep(
    annotator: User,
    sheet: AnswerSheet,
    token: UUID,
    answer: Mapping[str, Any],
    idempotency_key: str,
    seen_order: Sequence[str],
    address: str | None,
) -> Submission:
    try:
        # Durable: an outer transaction would roll back the kept answer together with the error below.
        with transaction.atomic(durable=True):
            return _submit(annotator, sheet, token, answer, idempotency_key, address)
    except (IntegrityError, _LeaseLost) as error:
        refusal = _refusal(error, idempotency_key) if isinstance(error, IntegrityError) else error
        if not isinstance(refusal, _LeaseLost):
            raise refusal from error
    kept = keep_answer(
        annotator=annotator,
        task=sheet.task,
        answer=check_answer(sheet, answer).as_mapping(),
        reason="the lease was lost before the answer came",
        idempotency_key=idempotency_key,
        shown_order=seen_order if sorted(seen_order) == sorted(sheet.response_ids) else (),
    )
    raise Conflict(
        "The lease on this task ended and somebody else has it now. Your answer is kept for the project's manager.",
        code="lease_lost",
        extra={"kept_answer": kept.pk},
    )


def _submit(
    annotator: User, sheet: AnswerSheet, token: UUID, given: Mapping[str, Any], key: str, address: str | None
) -> Submission:
    task = sheet.task
    # The lock makes replays sent at once wait here for the first one, whose row they then find.
    slot = Slot.objects.select_for_update().filter(task=task, lease_token=token).first()
    order = shown_order(list(sheet.response_ids), task_id=task.pk, slot_number=slot.number if slot else 1)
    answer = check_answer(sheet, given, shown_order=order)
    earlier = find_earlier(annotator, task, key)
    if earlier is not None:
        return Submission(same_or_conflict(earlier, task, answer, key), is_new=False)
    if slot is None or not _may_fill(slot, annotator):
        raise _LeaseLost
    slot.state, slot.annotator = Slot.State.SUBMITTED, annotator
    slot.save(update_fields=["state", "annotator"])
    judgment = _first_judgment(annotator, sheet, answer, slot.pk, order, key, token)
    save_judgment(judgment, answer, sheet)
    follow_up(judgment=judgment, task=task)
    Draft.objects.filter(task=task, annotator=annotator).delete()
    audit.record(actor=annotator, action="submit_judgment", obj=judgment, project=task.project, address=address)
    return Submission(judgment, is_new=True)


def _first_judgment(
    annotator: User, sheet: AnswerSheet, answer: Answer, slot_id: int, order: list[str], key: str, token: UUID
) -> Judgment:
    """The unsaved judgment that this answer becomes when it fills this slot."""
    return build_judgment(
        answer,
        project=sheet.task.project,
        task=sheet.task,
        annotator=annotator,
        slot_id=slot_id,
        shown_order=order,
        guideline_version=sheet.task.project.guideline_version,
        idempotency_key=key,
        lease_token=token,
        warnings=find_signals(sheet=sheet, answer=answer, shown_order=order),
    )


def _refusal(error: IntegrityError, key: str) -> Exception:
    """What a violated constraint means; an unknown one is our fault and stays what it is."""
    name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "")
    if name == "judgment_idempotency":
        return key_reused(key)
    if name == "slot_once_a_task_and_annotator":
        return _LeaseLost()  # after the expiry this person leased another slot of the same task
    return error


def _may_fill(slot: Slot, annotator: User) -> bool:
    """The slot is still leased to this person, or became free by expiry and waits for anybody."""
    if slot.state == Slot.State.LEASED:
        return slot.annotator_id == annotator.pk
    return slot.state == Slot.State.FREE and slot.last_annotator_id == annotator.pk


@transaction.atomic
def amend_judgment(
    *,
    annotator: User,
    judgment_id: int,
    answer: Mapping[str, Any],
    reason: str = "",
    idempotency_key: str = "",
    address: str | None = None,
) -> Judgment:
    """A new revision of one's own judgment; the old one stays readable with the rows derived from it.

    Raises: NotFound (also for judgments of others), InvalidAnswer, Conflict(code="not_current").
    """
    current = _lock_own(annotator, judgment_id)
    sheet = load_sheet(current.task)
    order = current.shown_order or list(sheet.response_ids)
    checked = check_answer(sheet, answer, shown_order=order)
    earlier = Judgment.objects.filter(annotator=annotator, idempotency_key=idempotency_key).first()
    if idempotency_key and earlier is not None:
        return same_or_conflict(earlier, current.task, checked, idempotency_key)
    if current.task.purpose in TAUGHT:
        raise Conflict(
            "The answer to this task was told already, so yours cannot be changed any more.", code="answer_was_told"
        )
    if not current.is_current:
        raise Conflict("There is a newer revision of this judgment.", code="not_current")
    Judgment.objects.filter(pk=current.pk).update(is_current=False)
    judgment = build_judgment(
        checked,
        project=current.project,
        task=current.task,
        annotator=annotator,
        slot=current.slot,
        revision=current.revision + 1,
        supersedes=current,
        shown_order=current.shown_order,
        guideline_version=current.project.guideline_version,
        reason=_checked_reason(reason),
        idempotency_key=idempotency_key,
    )
    save_judgment(judgment, checked, sheet)
    audit.record(
        actor=annotator,
        action="amend_judgment",
        obj=judgment,
        project=current.project,
        data={"supersedes": current.pk},
        address=address,
    )
    return judgment


def _lock_own(annotator: User, judgment_id: int) -> Judgment:
    judgment = (
        Judgment.objects.select_for_update(of=("self",))
        .select_related("task__project", "project", "slot")
        .filter(pk=judgment_id, annotator=annotator)
        .first()
    )
    if judgment is None:
        raise NotFound("There is no such judgment of yours.")
    require_role(user=annotator, project=judgment.project, role=Role.ANNOTATOR)
    return judgment


def _checked_reason(reason: str) -> str:
    if len(reason) > 500:
        raise ApplicationError(f"The reason has {len(reason)} characters, at most 500 fit.", extra={"field": "reason"})
    return reason.strip()


def _check_key(key: str) -> None:
    if not 1 <= len(key) <= KEY_CHARACTERS:
        raise ApplicationError(
            f"A submit needs an idempotency key of 1 to {KEY_CHARACTERS} characters; make a new one for every answer.",
            extra={"field": "idempotency_key"},
        )


def _parse_token(token: UUID | str) -> UUID:
    try:
        return token if isinstance(token, UUID) else UUID(str(token))
    except ValueError:
        raise InvalidAnswer(
            "The lease token is no token.", extra={"faults": [{"field": "lease_token", "message": "expected a UUID"}]}
        ) from None
