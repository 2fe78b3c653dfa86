"""Tasks that show another task again: repeats, and the test in a further attempt."""

from annotation.models import Task, TaskResponse


def copy_task(*, original: Task, purpose: str, suffix: str) -> Task:
    """The copy of this task for this purpose, made where there is none yet; all who need it share it.

    A person may fill one slot of a task only, so what they judge twice has to be two tasks. Copies stand in no queue,
    and what is said about them never counts.
    """
    copy, is_new = Task.objects.get_or_create(
        project_id=original.project_id,
        external_id=f"{original.external_id}@{suffix}",
        defaults={
            "prompt_id": original.prompt_id,
            "kind": original.kind,
            "gold": original.gold,
            "purpose": purpose,
            "original": original,
            "origin": suffix,
            "priority": original.priority,
        },
    )
    if is_new:
        places = TaskResponse.objects.filter(task=original)
        TaskResponse.objects.bulk_create(
            [TaskResponse(task=copy, response_id=row.response_id, position=row.position) for row in places]
        )
    return copy
