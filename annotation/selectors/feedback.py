"""What a person is told at once about an answer: to a practice task, and to the last task of a test."""

from dataclasses import dataclass
from typing import Any

from annotation.models import Judgment, QualificationAttempt, Task
from annotation.quality.closeness import share_right
from annotation.selectors.scales import scales_of


@dataclass(frozen=True, slots=True)
class PracticeFeedback:
    """The known answer beside the one given."""

    right: float | None
    """Share of the known answer that was right."""
    known: dict[str, Any]
    """In response keys; its rationale is the explanation."""


@dataclass(frozen=True, slots=True)
class QualificationResult:
    """How a test ended."""

    passed: bool
    accuracy: float
    pass_mark: float
    attempts_left: int


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a person stands before normal work begins."""

    name: str
    """practice | test"""
    done: int
    of: int


def feedback_on(*, judgment: Judgment) -> PracticeFeedback | QualificationResult | None:
    """What there is to tell about this answer; None for all normal and silent tasks. No query for those."""
    task = judgment.task
    if task.purpose == Task.Purpose.PRACTICE and task.gold is not None:
        right = share_right(
            vars(judgment),
            task.gold,
            kind=judgment.kind,
            criteria=scales_of(project=task.project),
            tolerance=task.project.gold_tolerance,
        )
        return PracticeFeedback(right, task.gold)
    if task.purpose == Task.Purpose.QUALIFICATION:
        return _test_feedback(judgment)
    return None


def _test_feedback(judgment: Judgment) -> QualificationResult | None:
    attempts = QualificationAttempt.objects.filter(project=judgment.project_id, person=judgment.annotator_id)
    attempt = attempts.order_by("-number").first()
    if attempt is None or attempt.accuracy is None or judgment.task_id not in attempt.task_ids:
        return None
    return QualificationResult(
        passed=attempt.state == QualificationAttempt.State.PASSED,
        accuracy=attempt.accuracy,
        pass_mark=attempt.pass_mark,
        attempts_left=max(judgment.project.qualification_attempts - attempt.number, 0),
    )


def stage_of(*, task: Task, person: int | None) -> Stage | None:
    """How far somebody is with practice or with the test, of which this task is part; None for any other task."""
    if task.purpose == Task.Purpose.PRACTICE:
        tasks = Task.objects.filter(project=task.project_id, purpose=Task.Purpose.PRACTICE)
        done = Judgment.objects.filter(annotator=person, task__in=tasks, is_current=True).count()
        return Stage("practice", done, min(task.project.practice_tasks, tasks.filter(state=Task.State.OPEN).count()))
    if task.purpose == Task.Purpose.QUALIFICATION:
        attempt = QualificationAttempt.objects.filter(
            project=task.project_id, person=person, state=QualificationAttempt.State.OPEN
        ).first()  # fmt: skip
        if attempt is not None:
            done = Judgment.objects.filter(annotator=person, task__in=attempt.task_ids, is_current=True).count()
            return Stage("test", done, len(attempt.task_ids))
    return None
