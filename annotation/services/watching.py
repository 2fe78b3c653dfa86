"""What follows from a submit for the quality of a person's work: signals recorded with it, and what it sets going."""

from collections.abc import Sequence

from annotation.kinds.ranking import RankingAnswer
from annotation.kinds.registry import Answer
from annotation.models import Judgment, Task
from annotation.quality.signals import TOO_FAST, is_too_fast, row_signals
from annotation.queueing import enqueue
from annotation.services.judgment_rows import AnswerSheet
from annotation.services.qualification import close_attempt

TAUGHT = (Task.Purpose.PRACTICE, Task.Purpose.QUALIFICATION)
"""Tasks whose known answer people are told about, or are tested by: an answer to them stays as it is."""
SILENT = (Task.Purpose.GOLD, Task.Purpose.REPEAT)


def find_signals(*, sheet: AnswerSheet, answer: Answer, shown_order: Sequence[str]) -> list[str]:
    """Signs of haste and habit, to be recorded with the judgment. Never a reason to refuse it."""
    found = [TOO_FAST] if is_too_fast(answer.active_ms, characters=sheet.characters) else []
    if not isinstance(answer, RankingAnswer):
        return found
    return found + row_signals([(shown_order, answer.tiers), *sheet.earlier])


def follow_up(*, judgment: Judgment, task: Task) -> None:
    """Ends a test whose last answer this was; has the person's work looked at where this says something of it.

    Signals alone set nothing going: beat looks at those who got some (annotation.jobs.review_people).
    """
    if task.purpose == Task.Purpose.QUALIFICATION:
        close_attempt(project=task.project, person=judgment.annotator)
    elif task.purpose in SILENT:
        enqueue("annotation.jobs.review_person", project_id=task.project_id, person_id=judgment.annotator_id)
