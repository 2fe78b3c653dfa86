from django.db import models
from django.db.models import Q


class Verdict(models.Model):
    """What a reviewer decided about a task, beside the raw judgments. Append-only: another verdict is a new row.

    The database refuses any UPDATE but of `is_current` (see the migration).
    """

    class Outcome(models.TextChoices):
        ANSWER = "answer", "This is the answer"
        UNUSABLE = "unusable", "The task cannot be judged"

    project = models.ForeignKey("annotation.Project", models.PROTECT, related_name="verdicts")
    task = models.ForeignKey("annotation.Task", models.PROTECT, related_name="verdicts")
    reviewer = models.ForeignKey("annotation.User", models.PROTECT, related_name="verdicts")
    outcome = models.CharField(max_length=8, choices=Outcome)
    answer = models.JSONField(null=True)
    """In the form of a judgment's answer, response keys in it; null where the task is unusable."""
    reason = models.CharField(max_length=2000)
    based_on = models.JSONField(default=list)
    """Ids of the current judgments that the reviewer saw."""
    supersedes = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="superseded_by")
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task"], condition=Q(is_current=True), name="verdict_one_current"),
            models.CheckConstraint(
                condition=Q(outcome="answer", answer__isnull=False) | Q(outcome="unusable", answer__isnull=True),
                name="verdict_answer_matches_outcome",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="verdict_has_a_reason"),
        ]
        indexes = [models.Index(fields=["project", "id"], name="verdict_of_project")]
