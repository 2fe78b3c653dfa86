from django.db import models
from django.db.models import Q


class QualificationAttempt(models.Model):
    """One person's attempt at a project's test: a few tasks with known answers, all to be answered."""

    class State(models.TextChoices):
        OPEN = "open", "Under way"
        PASSED = "passed", "Passed"
        FAILED = "failed", "Not passed"

    project = models.ForeignKey("annotation.Project", models.CASCADE, related_name="test_attempts")
    person = models.ForeignKey("annotation.User", models.CASCADE, related_name="test_attempts")
    number = models.PositiveSmallIntegerField()
    """1 for the first attempt."""
    task_ids = models.JSONField(default=list)
    """The tasks of this attempt in their order; fixed when it begins."""
    state = models.CharField(max_length=6, choices=State, default=State.OPEN)
    pass_mark = models.FloatField()
    """As it was when the attempt began."""
    accuracy = models.FloatField(null=True)
    """Mean share of right answers over the tasks, a skipped one counting 0; null while the attempt is open."""
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "person", "number"], name="attempt_number_once_a_person"),
            models.UniqueConstraint(
                fields=["project", "person"], condition=Q(state="open"), name="attempt_one_open_a_person"
            ),
            models.CheckConstraint(
                condition=Q(state="open", accuracy__isnull=True, finished_at__isnull=True)
                | Q(state__in=["passed", "failed"], accuracy__isnull=False, finished_at__isnull=False),
                name="attempt_ends_with_an_accuracy",
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.person}"


class Pause(models.Model):
    """That a person should get no work in a project for now: proposed by the product, decided by a manager."""

    class State(models.TextChoices):
        PROPOSED = "proposed", "Waits for a manager"
        ACCEPTED = "accepted", "In force"
        DISMISSED = "dismissed", "Dismissed"
        LIFTED = "lifted", "Ended"

    project = models.ForeignKey("annotation.Project", models.CASCADE, related_name="pauses")
    person = models.ForeignKey("annotation.User", models.CASCADE, related_name="pauses")
    state = models.CharField(max_length=9, choices=State, default=State.PROPOSED)
    sentences = models.JSONField(default=list)
    """Why, in plain sentences with their numbers."""
    figures = models.JSONField(default=dict)
    """The person's card as it was."""
    note = models.CharField(max_length=500, blank=True)
    """What the manager adds; shown to the person."""
    proposed_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey("annotation.User", models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "person"],
                condition=Q(state__in=["proposed", "accepted"]),
                name="pause_one_at_a_time",
            )
        ]
        indexes = [models.Index(fields=["project", "state", "-id"], name="pause_by_state")]

    def __str__(self) -> str:
        return f"pause of {self.person}: {self.state}"
