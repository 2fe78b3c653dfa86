"""Tasks with a purpose of their own, as managers list them."""

from django.db.models import Count, Q, QuerySet

from annotation.models import Project, Task

PAGE_ROWS = 50
LISTED = (Task.Purpose.GOLD, Task.Purpose.PRACTICE, Task.Purpose.QUALIFICATION)


def special_tasks(*, project: Project, purpose: str = "", after: int = 0) -> list[Task]:
    """One page and one row more, by id from `after` on, each with its prompt and `answers`; copies are left out."""
    tasks = listed_tasks(project=project).filter(pk__gt=after)
    tasks = tasks.filter(purpose=purpose) if purpose in LISTED else tasks
    answers = Count("judgments", filter=Q(judgments__is_current=True, judgments__is_imported=False))
    return list(tasks.select_related("prompt").annotate(answers=answers).order_by("pk")[: PAGE_ROWS + 1])


def listed_tasks(*, project: Project) -> QuerySet[Task]:
    """All tasks with a known answer; those that show one again are left out."""
    return Task.objects.filter(project=project, purpose__in=LISTED, original=None)


def count_special_tasks(*, project: Project) -> dict[str, int]:
    """{purpose: tasks}; repeats are told as well, copies of the test are not."""
    rows = _special(project).exclude(purpose=Task.Purpose.QUALIFICATION, original__isnull=False)
    counts = dict(rows.values_list("purpose").annotate(tasks=Count("pk")).order_by())
    return {purpose: counts.get(purpose, 0) for purpose in (*LISTED, Task.Purpose.REPEAT)}


def _special(project: Project) -> QuerySet[Task]:
    return Task.objects.filter(project=project).exclude(purpose=Task.Purpose.NORMAL)
