"""Answers cross the edge in letters: clients never learn the responses' keys, which often name the model."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from annotation.allocation import shown_order
from annotation.api.blind_task import keys_of
from annotation.blinding import answer_to_keys, answer_to_letters, letters
from annotation.exceptions import Conflict, InvalidAnswer, NotFound
from annotation.kinds.faults import AnswerError
from annotation.kinds.registry import parse_answer
from annotation.models import Task
from annotation.services.judgment_rows import criterion_specs


def read_order(task_id: int, slot_number: int) -> list[str]:
    """The keys of the task's responses in the order that the holder of this slot was shown."""
    keys = keys_of(task_id)
    if not keys:
        raise NotFound("There is no such task, or none that you may judge.")
    return list(shown_order(keys, task_id=task_id, slot_number=slot_number))


@contextmanager
def answer_in_keys(task_id: int, answer: Mapping[str, Any], order: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The answer with keys in place of letters; if it is refused inside, the refusal speaks of letters again.

    Raises: InvalidAnswer, Conflict
    """
    try:
        yield answer_to_keys(answer, order)
    except InvalidAnswer as error:
        raise _explain_in_letters(task_id, answer, order) from error
    except Conflict as error:
        if "answer" in error.extra:
            error.extra = {**error.extra, "answer": answer_to_letters(error.extra["answer"], order)}
        raise


def _explain_in_letters(task_id: int, answer: Mapping[str, Any], order: Sequence[str]) -> InvalidAnswer:
    task = Task.objects.select_related("project").get(pk=task_id)
    criteria = criterion_specs(task.project.criteria.all())
    try:
        parse_answer(task.kind, answer, response_keys=list(letters(order)), criteria=criteria)
    except AnswerError as error:
        return InvalidAnswer(f"The answer does not fit the task. {error}", extra={"faults": error.faults})
    return InvalidAnswer("The answer does not fit the task.")
