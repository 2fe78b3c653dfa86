"""What a person said about a task before: the same submit sent again, or another answer."""

from django.db.models import Q

from annotation.exceptions import Conflict
from annotation.kinds.registry import Answer
from annotation.models import Judgment, Task, User
from annotation.services.judgment_rows import stored_answer
from annotation.services.kept_answers import key_reused


def find_earlier(annotator: User, task: Task, key: str) -> Judgment | None:
    """What this person wrote under this key, else what they say about this task now."""
    mine = Judgment.objects.filter(annotator=annotator)
    found = list(mine.filter(Q(idempotency_key=key) | Q(task=task, is_current=True))[:2])
    return next((row for row in found if row.idempotency_key == key), found[0] if found else None)


def same_or_conflict(earlier: Judgment, task: Task, answer: Answer, key: str) -> Judgment:
    """The earlier judgment where this is the same submit sent again. Raises: Conflict for anything else."""
    if earlier.idempotency_key != key:
        raise Conflict(
            "You have judged this task already; amend that judgment instead.",
            code="already_submitted",
            extra={"judgment": earlier.pk, "revision": earlier.revision},
        )
    if earlier.task_id != task.pk or stored_answer(earlier).as_mapping() != answer.as_mapping():
        raise key_reused(key)
    return earlier
