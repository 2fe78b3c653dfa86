"""Tasks with how far each has come."""

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from annotation.models import Judgment, Project, Slot, Task


def tasks_with_counts(*, project: Project) -> QuerySet[Task]:
    """A project's tasks, each with `judgments_given` (current ones) and `judgments_wanted` (slots not withdrawn).

    The counts are probed for each row that is fetched, so a page costs the same in a project of any size.
    """
    given = Judgment.objects.filter(task=OuterRef("pk"), is_current=True)
    wanted = Slot.objects.filter(task=OuterRef("pk")).exclude(state=Slot.State.RELEASED)
    return Task.objects.filter(project=project).annotate(
        judgments_given=_count_of(given), judgments_wanted=_count_of(wanted)
    )


def _count_of(rows: "QuerySet[Judgment] | QuerySet[Slot]") -> Coalesce:
    counted = rows.order_by().values("task").annotate(rows=Count("pk")).values("rows")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
