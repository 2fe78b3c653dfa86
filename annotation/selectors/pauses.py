"""Pauses as managers and the person see them."""

from django.db.models import QuerySet

from annotation.models import Pause, Project, User


def open_pauses(*, project: Project) -> QuerySet[Pause]:
    """Proposals that wait for a manager, then pauses in force, newest first."""
    rows = Pause.objects.filter(project=project, state__in=[Pause.State.PROPOSED, Pause.State.ACCEPTED])
    return rows.select_related("person", "project", "decided_by").order_by("-state", "-id")


def pauses_of(*, project: Project, person: User) -> QuerySet[Pause]:
    """All that was ever proposed or decided about a person, newest first."""
    return Pause.objects.filter(project=project, person=person).select_related("decided_by").order_by("-id")


def is_paused(*, project: Project, person: User) -> bool:
    """Whether a pause of this person is in force."""
    return Pause.objects.filter(project=project, person=person, state=Pause.State.ACCEPTED).exists()


def paused_projects(*, person: User) -> dict[int, str]:
    """{project id: what the person is told} for the pauses of this person that are in force."""
    rows = Pause.objects.filter(person=person, state=Pause.State.ACCEPTED)
    return {pause.project_id: _explain(pause) for pause in rows}


def explain_pause(*, project: Project, person: User) -> str:
    """What a paused person is told; empty where no pause is in force. No figure in it points to a task."""
    pause = Pause.objects.filter(project=project, person=person, state=Pause.State.ACCEPTED).first()
    return _explain(pause) if pause is not None else ""


def _explain(pause: Pause) -> str:
    told = (
        "A manager has paused your work in this project for now. All that you judged is kept. This is no verdict on "
        "you: guidelines can be unclear and some tasks are hard. Have another look at the guidelines, and talk to the "
        "project's manager about what to watch for."
    )
    return f"{told} They write: {pause.note}" if pause.note else told
