"""The test that comes before normal work: a few tasks with known answers, a pass mark, a few attempts."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from annotation.models import Judgment, PersonSkill, Project, QualificationAttempt, Skip, Task, User
from annotation.quality.closeness import share_right
from annotation.selectors.scales import scales_of
from annotation.services import audit
from annotation.services.task_copies import copy_task

MISSING = "qualification_missing"
State = QualificationAttempt.State


def next_test_task(*, project: Project, person: User) -> Task | str | None:
    """The task of the test that this person should do now; None once the test is passed.

    A new attempt begins where the last one failed and the project allows another.
    Returns: the word `qualification_missing` where no attempt is left, or the project has no tasks for a test.
    Part of other services: call it under `lock_person`.
    """
    while True:
        attempt = QualificationAttempt.objects.filter(project=project, person=person).order_by("-number").first()
        if attempt is not None and attempt.state == State.PASSED:
            return None
        if attempt is None or attempt.state == State.FAILED:
            attempt = _begin(project, person, number=attempt.number + 1 if attempt else 1)
            if attempt is None:
                return MISSING
        left = _left_over(attempt, person)
        if left:
            return left[0]
        _finish(attempt)


@transaction.atomic
def close_attempt(*, project: Project, person: User) -> QualificationAttempt | None:
    """Ends the open attempt of this person where its last answer is in; that attempt, or None."""
    attempt = QualificationAttempt.objects.select_for_update().filter(
        project=project, person=person, state=State.OPEN
    ).first()  # fmt: skip
    if attempt is None or _left_over(attempt, person):
        return None
    _finish(attempt)
    return attempt


def _begin(project: Project, person: User, *, number: int) -> QualificationAttempt | None:
    originals = Task.objects.filter(
        project=project, purpose=Task.Purpose.QUALIFICATION, original=None, state=Task.State.OPEN
    ).order_by("id")[: project.qualification_tasks]
    if number > project.qualification_attempts or not originals:
        return None
    touched = _touched(person, [task.pk for task in originals])
    tasks = [
        copy_task(original=task, purpose=Task.Purpose.QUALIFICATION, suffix=f"test{number}")
        if task.pk in touched
        else task
        for task in originals
    ]
    attempt = QualificationAttempt.objects.create(
        project=project,
        person=person,
        number=number,
        task_ids=[task.pk for task in tasks],
        pass_mark=project.pass_mark,
    )
    audit.record(
        actor=person, action="begin_test", obj=attempt, project=project, data={"number": number, "tasks": len(tasks)}
    )
    return attempt


def _left_over(attempt: QualificationAttempt, person: User) -> list[Task]:
    """The open tasks of the attempt that this person neither answered nor skipped, in their order."""
    touched = _touched(person, attempt.task_ids)
    found = Task.objects.filter(state=Task.State.OPEN).in_bulk(
        [task_id for task_id in attempt.task_ids if task_id not in touched]
    )
    return [found[task_id] for task_id in attempt.task_ids if task_id in found]


def _touched(person: User, task_ids: Sequence[int]) -> set[int]:
    answered = Judgment.objects.filter(annotator=person, task__in=task_ids).values_list("task_id", flat=True)
    skipped = Skip.objects.filter(annotator=person, task__in=task_ids).values_list("task_id", flat=True)
    return {*answered, *skipped}


def _finish(attempt: QualificationAttempt) -> None:
    attempt.accuracy = measure_attempt(attempt=attempt)
    attempt.state = State.PASSED if attempt.accuracy >= attempt.pass_mark - 1e-9 else State.FAILED
    attempt.finished_at = timezone.now()
    attempt.save(update_fields=["accuracy", "state", "finished_at"])
    data = {"number": attempt.number, "accuracy": attempt.accuracy, "pass_mark": attempt.pass_mark}
    action = "pass_test" if attempt.state == State.PASSED else "fail_test"
    audit.record(actor=attempt.person, action=action, obj=attempt, project=attempt.project, data=data)
    if attempt.state == State.PASSED:
        _give_skill(attempt)


def measure_attempt(*, attempt: QualificationAttempt) -> float:
    """Mean share of right answers; a skipped task counts 0, one that was withdrawn meanwhile not at all."""
    project = attempt.project
    said = Judgment.objects.filter(
        annotator=attempt.person, task__in=attempt.task_ids, is_current=True
    ).select_related("task")  # fmt: skip
    scales = scales_of(project=project)
    shares = [
        share_right(
            vars(judgment),
            judgment.task.gold or {},
            kind=judgment.kind,
            criteria=scales,
            tolerance=project.gold_tolerance,
        )
        for judgment in said
    ]
    right = [share for share in shares if share is not None]
    skipped = Skip.objects.filter(annotator=attempt.person, task__in=attempt.task_ids).count()
    asked = len(right) + skipped
    return sum(right) / asked if asked else 0.0


def _give_skill(attempt: QualificationAttempt) -> None:
    """What the project gives for passing; a level that a manager set higher stays."""
    project = attempt.project
    if project.qualification_skill is None:
        return
    row, _ = PersonSkill.objects.get_or_create(
        skill=project.qualification_skill, person=attempt.person, defaults={"level": project.qualification_level}
    )
    if row.level < project.qualification_level:
        row.level = project.qualification_level
        row.save(update_fields=["level"])
    audit.record(
        actor=None,
        action="give_skill_for_test",
        obj=row,
        project=project,
        data={"skill": project.qualification_skill.name, "level": row.level, "user": attempt.person.pk},
    )
