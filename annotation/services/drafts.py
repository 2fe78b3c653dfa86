"""Unfinished answers, saved while people work."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction

from annotation.exceptions import ApplicationError, Conflict
from annotation.models import Draft, Slot, User
from annotation.services.slots import find_task, lease_lost

LARGEST_BYTES = 64 * 1024


@transaction.atomic
def save_draft(
    *, annotator: User, task_id: int, lease_token: UUID | str, answer: Mapping[str, Any], version: int
) -> Draft:
    """Saves an unfinished answer, which may be incomplete and is not checked against the task.

    version: the version this save builds on, 0 for the first one; the saved draft has the next number.
    Raises: Conflict(code="draft_is_newer") with the stored one in `extra` when another tab was faster,
    Conflict(code="lease_lost").
    """
    task = find_task(annotator=annotator, task_id=task_id)
    _check_size(answer)
    held = Slot.objects.select_for_update().filter(
        task=task, lease_token=lease_token, annotator=annotator, state=Slot.State.LEASED
    )
    if not held.exists():
        raise lease_lost()
    draft, created = Draft.objects.select_for_update().get_or_create(
        task=task, annotator=annotator, defaults={"answer": answer, "version": version + 1}
    )
    if created or (draft.version == version + 1 and draft.answer == answer):
        return draft  # new, or the same save sent again
    if draft.version != version:
        raise Conflict(
            "Another window saved a newer draft of this answer.",
            code="draft_is_newer",
            extra={"version": draft.version, "answer": draft.answer},
        )
    draft.answer, draft.version = answer, version + 1
    draft.save(update_fields=["answer", "version", "updated_at"])
    return draft


def _check_size(answer: Mapping[str, Any]) -> None:
    if not isinstance(answer, Mapping):
        raise ApplicationError("A draft is an object with the fields of an answer.", extra={"field": "answer"})
    size = len(orjson.dumps(dict(answer)))
    if size > LARGEST_BYTES:
        raise ApplicationError(
            f"The draft takes {size:,} bytes, at most {LARGEST_BYTES:,} fit.", extra={"field": "answer"}
        )
