"""What a person sees of their own work."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from annotation.exceptions import Conflict, NotFound
from annotation.models import Draft, Judgment, Membership, Project, Skip, Slot, Task, User

OPENLY_SPECIAL = (Task.Purpose.PRACTICE, Task.Purpose.QUALIFICATION)
SILENT = (Task.Purpose.GOLD, Task.Purpose.REPEAT)


@dataclass(frozen=True, slots=True)
class Progress:
    """What one person did in one project."""

    judgments: int
    today: int
    """In the last 24 hours."""
    skipped: int
    last_at: datetime | None
    waiting: int
    """Open slots of tasks this person has neither judged nor skipped (several slots of a task count once)."""


def projects_for(*, user: User) -> QuerySet[Project]:
    """The projects a person may see: all for a superuser, else those with a membership."""
    projects = Project.objects.all()
    return projects if user.is_superuser else projects.filter(memberships__user=user)


def get_project(*, user: User, slug: str) -> Project:
    """The project of that slug. Raises: NotFound also where it exists but the person is an outsider."""
    project = projects_for(user=user).filter(slug=slug).first()
    if project is None:
        raise NotFound("There is no such project.")
    return project


def my_progress(*, user: User, project: Project) -> Progress:
    """Counts of a person's own work in a project; three queries whatever the size."""
    mine = Judgment.objects.filter(annotator=user, project=project, is_current=True)
    done = mine.exclude(task__purpose__in=OPENLY_SPECIAL).aggregate(
        judgments=Count("id"),
        silent=Count("id", filter=Q(task__purpose__in=SILENT)),
        today=Count("id", filter=Q(created_at__gt=timezone.now() - timedelta(hours=24))),
        last_at=Max("created_at"),
    )
    skipped = Skip.objects.filter(annotator=user, task__project=project).count()
    waiting = _blur(waiting_tasks(user=user, project=project).count(), silent=done.pop("silent"))
    return Progress(skipped=skipped, waiting=waiting, **done)


def _blur(waiting: int, *, silent: int) -> int:
    """What is left as the person sees it.

    A silent task is done without anything being less to do. Taking those done off the rest lets every task look alike:
    one more done, one less waiting. What is really left is never hidden altogether.
    """
    return max(waiting - silent, min(waiting, 1))


def waiting_tasks(*, user: User, project: Project) -> QuerySet[Task]:
    """Open tasks with a wanted judgment that this person could give."""
    open_slots = Slot.objects.filter(project=project, state__in=[Slot.State.FREE, Slot.State.LEASED])
    mine = Judgment.objects.filter(annotator=user, project=project)
    return (
        Task.objects.filter(
            project=project, state=Task.State.OPEN, purpose=Task.Purpose.NORMAL, pk__in=open_slots.values("task")
        )
        .exclude(pk__in=mine.values("task"))
        .exclude(pk__in=Skip.objects.filter(annotator=user).values("task"))
    )


def my_judgments(*, user: User, project: Project | None = None) -> QuerySet[Judgment]:
    """A person's current judgments, newest first, with task, prompt and project at hand.

    Practice and tests are not work that can be mended; gold and repeats stand among the rest like any other.
    """
    judgments = Judgment.objects.filter(annotator=user, is_current=True).exclude(task__purpose__in=OPENLY_SPECIAL)
    if project is not None:
        judgments = judgments.filter(project=project)
    return judgments.select_related("project", "task__prompt", "task__project").order_by("-created_at", "-id")


def my_revisions(*, user: User, judgment_id: int) -> QuerySet[Judgment]:
    """Everything a person said about the task of one of their judgments, newest first; nothing for one of others."""
    mine = Judgment.objects.filter(annotator=user)
    return (
        mine.filter(task__in=mine.filter(pk=judgment_id).values("task"))
        .select_related("project", "task__prompt")
        .order_by("-revision")
    )


def my_draft(*, user: User, task: Task) -> Draft | None:
    """The person's unfinished answer to a task."""
    return Draft.objects.filter(annotator=user, task=task).first()


def my_slot(*, user: User, lease_token: UUID | str) -> Slot:
    """The slot a person holds or held under this token, with task, prompt and project at hand.

    Raises: Conflict(code="lease_lost") when it went to somebody else or the token never was theirs.
    """
    slot = (
        Slot.objects.select_related("task__prompt", "project")
        .filter(Q(annotator=user) | Q(last_annotator=user), lease_token=lease_token)
        .first()
    )
    if slot is None:
        raise Conflict("This task is no longer yours.", code="lease_lost")
    return slot


def memberships_of(*, project: Project) -> QuerySet[Membership]:
    """The people of a project, by role and name."""
    return Membership.objects.filter(project=project).select_related("user").order_by("-role", "user__username")
