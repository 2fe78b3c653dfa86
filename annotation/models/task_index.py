from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q


class TaskText(models.Model):
    """The words of a task's prompt and responses, by which managers find it.

    A trigger makes the row with the task; a job fills in the words soon after, so that imports need not wait for it.
    """

    task = models.OneToOneField("annotation.Task", models.CASCADE, primary_key=True, related_name="text_index")
    project = models.ForeignKey("annotation.Project", models.CASCADE, related_name="+")
    words = SearchVectorField(null=True)
    """Null until the job has been here."""

    class Meta:
        indexes = [
            GinIndex(fields=["words"], condition=Q(words__isnull=False), name="task_text_words"),
            models.Index(fields=["project"], condition=Q(words__isnull=True), name="task_text_missing"),
        ]


class TaskSplit(models.Model):
    """How far people are apart on a task, as the latest agreement report measured it."""

    task = models.OneToOneField("annotation.Task", models.CASCADE, primary_key=True, related_name="split")
    project = models.ForeignKey("annotation.Project", models.CASCADE, related_name="+")
    disagreement = models.FloatField()
    """1 minus the mean agreement of all comparisons of two people on the task: 0 all said the same."""

    class Meta:
        indexes = [models.Index(F("project"), F("disagreement").desc(), F("task"), name="task_split_order")]


class CriterionSplit(models.Model):
    """The same for one criterion, or for the order that people gave; kept where a project asks for more than one."""

    task = models.ForeignKey("annotation.Task", models.CASCADE, related_name="criterion_splits")
    project = models.ForeignKey("annotation.Project", models.CASCADE, related_name="+")
    criterion = models.ForeignKey("annotation.Criterion", models.CASCADE, null=True, related_name="+")
    """Null for the order."""
    disagreement = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "criterion"], nulls_distinct=False, name="criterion_split_once")
        ]
        indexes = [
            models.Index(
                F("project"), F("criterion"), F("disagreement").desc(), F("task"), name="criterion_split_order"
            )
        ]
