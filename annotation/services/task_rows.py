"""Tasks -> rows: slots and response places, used wherever tasks are made."""

from collections.abc import Sequence

from annotation.models import Project, Response, Slot, Task, TaskResponse, User


def build_places(task: Task, responses: Sequence[Response]) -> list[TaskResponse]:
    """The task's responses in stored order, unsaved."""
    return [TaskResponse(task=task, response=response, position=place) for place, response in enumerate(responses)]


def build_slots(task: Task, project: Project, *, filled_by: Sequence[User] = ()) -> list[Slot]:
    """As many slots as the project wants, or more where more judgments came with the task; unsaved.

    A task with another purpose than to be judged for its own sake has none that wait: whoever gets it gets a slot of
    their own (annotation.services.special_tasks).
    """
    filled = [
        Slot(
            project=project,
            task=task,
            number=number,
            priority=task.priority,
            state=Slot.State.SUBMITTED,
            annotator=user,
        )
        for number, user in enumerate(filled_by, start=1)
    ]
    if task.purpose != Task.Purpose.NORMAL:
        return filled
    free = [
        Slot(project=project, task=task, number=number, priority=task.priority)
        for number in range(len(filled) + 1, project.judgments_per_task + 1)
    ]
    return filled + free
