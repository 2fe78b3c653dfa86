"""What has happened in a project since its last report."""

from dataclasses import dataclass

from django.db import connection

from annotation.models import FeedbackKind, Judgment, Project, Task, User
from annotation.selectors.reports import JudgmentCounts


@dataclass(frozen=True, slots=True)
class NewJudgment:
    """A current judgment that the last report does not know."""

    task: int
    annotator: int
    normal: bool
    """Whether it counts for agreement."""
    simulated: bool
    replaces: bool
    """Whether the last report knew an earlier revision."""
    first_of_task: bool
    first_of_annotator: bool


NEW = """
SELECT j.task_id, j.annotator_id, t.purpose = 'normal', u.origin = %(simulated)s,
       EXISTS (SELECT 1 FROM annotation_judgment o
               WHERE o.task_id = j.task_id AND o.annotator_id = j.annotator_id AND o.id <= %(newest)s),
       NOT EXISTS (SELECT 1 FROM annotation_judgment o WHERE o.task_id = j.task_id AND o.id <= %(newest)s),
       NOT EXISTS (SELECT 1 FROM annotation_judgment o JOIN annotation_task k ON k.id = o.task_id
                   WHERE o.annotator_id = j.annotator_id AND o.project_id = j.project_id AND o.id <= %(newest)s
                     AND k.purpose = 'normal')
FROM annotation_judgment j
JOIN annotation_task t ON t.id = j.task_id
JOIN annotation_user u ON u.id = j.annotator_id
WHERE j.project_id = %(project)s AND j.id > %(newest)s AND j.id <= %(until)s AND NOT EXISTS (
    SELECT 1 FROM annotation_judgment n WHERE n.supersedes_id = j.id AND n.id <= %(until)s)
ORDER BY j.id LIMIT %(most)s
"""


def new_judgments(*, project: Project, newest: int, until: int, most: int) -> list[NewJudgment]:
    """What was current when `until` was the newest and came after `newest`; at most so many."""
    parameters = {"project": project.pk, "newest": newest, "until": until, "most": most}
    with connection.cursor() as cursor:
        cursor.execute(NEW, {**parameters, "simulated": User.Origin.SIMULATED})
        return [NewJudgment(*row) for row in cursor.fetchall()]


def count_known(*, project: Project, newest: int) -> int:
    """Judgments that were current when this one was the newest, whatever their task is there for.

    It grows afterwards when a transaction commits a judgment whose id was given out earlier.
    """
    judgments = Judgment.objects.filter(project=project)
    replaced = judgments.filter(id__gt=newest, supersedes_id__lte=newest).count()
    return judgments.filter(is_current=True, id__lte=newest).count() + replaced


def add_counts(known: JudgmentCounts, new: list[NewJudgment], *, newest: int) -> JudgmentCounts:
    """The counts at the head of the next report."""
    normal = [each for each in new if each.normal]
    added = [each for each in normal if not each.replaces]
    return JudgmentCounts(
        judgments=known.judgments + len(added),
        annotators=known.annotators + len({each.annotator for each in normal if each.first_of_annotator}),
        tasks=known.tasks + len({each.task for each in normal if each.first_of_task}),
        simulated=known.simulated + sum(each.simulated for each in added),
        newest=newest,
    )


def tasks_drawn_together(*, project: Project, tasks: set[int]) -> list[int]:
    """The tasks that the bootstrap draws along with these: of scalar tasks all that have the prompt."""
    if project.kind != FeedbackKind.SCALAR:
        return sorted(tasks)
    prompts = Task.objects.filter(pk__in=tasks).values("prompt_id")
    together = Task.objects.filter(project=project, prompt_id__in=prompts)
    return sorted(together.values_list("pk", flat=True))


def tasks_of_people(*, project: Project, people: list[int]) -> set[int]:
    """The tasks that any of these people judged."""
    judged = Judgment.objects.filter(project=project, annotator__in=people).order_by()
    return set(judged.values_list("task_id", flat=True))
