from django.db import models
from django.db.models import F, Q, Value

from annotation.models.project import FeedbackKind


class Task(models.Model):
    """One thing for people to judge: a response to score, or two to nine responses to rank."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        PAUSED = "paused", "Paused"
        ARCHIVED = "archived", "Archived"
        HELD = "held", "Waiting for a manager"

    class Purpose(models.TextChoices):
        """What a task is there for. Only what people say about normal ones counts."""

        NORMAL = "normal", "Judged for its own sake"
        GOLD = "gold", "Gold: mixed in silently, its answer is known"
        PRACTICE = "practice", "Practice: teaches, with an explanation at once"
        QUALIFICATION = "qualification", "Test: its answer is known"
        REPEAT = "repeat", "Repeat: the same task again, silently"

    # Where a unique constraint or another index begins with the column, a second one would only slow down imports.
    project = models.ForeignKey("annotation.Project", models.CASCADE, related_name="tasks", db_index=False)
    prompt = models.ForeignKey("annotation.Prompt", models.CASCADE, related_name="tasks")
    external_id = models.CharField(max_length=310)
    """The prompt's external id; for one of several scalar tasks of a prompt, `prompt id#response key`."""
    kind = models.CharField(max_length=8, choices=FeedbackKind)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    priority = models.FloatField(default=0)
    """Higher is given out first."""
    jitter = models.FloatField(default=0, db_default=0)
    """Decides among equal priorities, lower first; then the older task. Imported tasks get it by their id, so that a
    file sorted by topic or model is not judged in that order."""
    skill = models.ForeignKey(
        "annotation.Skill", models.PROTECT, null=True, blank=True, related_name="tasks", db_index=False
    )
    """What it asks of a person; null for nothing."""
    skill_level = models.PositiveSmallIntegerField(default=1, db_default=1)
    """The level of the skill that it asks for."""
    gold = models.JSONField(null=True, blank=True)
    """The known answer, in the form of a judgment's answer; its rationale is the explanation. An annotator sees it
    only of a practice task that they have answered."""
    purpose = models.CharField(max_length=13, choices=Purpose, default=Purpose.NORMAL, db_default=Purpose.NORMAL.value)
    original = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, related_name="shown_again", db_index=False
    )
    """The task that this one shows again: as a repeat, or in a further attempt at the test."""
    origin = models.CharField(max_length=100, default="import")
    """What made it: import, demo, or the run (`run:12`) whose policy is compared."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "external_id"], name="task_id_once_a_project"),
            models.CheckConstraint(condition=Q(skill_level__range=(1, 5)), name="task_skill_level_in_range"),
            models.CheckConstraint(
                condition=~Q(purpose__in=["gold", "practice", "qualification"]) | Q(gold__isnull=False),
                name="task_with_a_test_knows_the_answer",
            ),
            models.CheckConstraint(
                condition=~Q(purpose="repeat") | Q(original__isnull=False), name="task_repeat_has_an_original"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "-priority", "id"], name="task_by_priority"),
            models.Index(fields=["project", "purpose", "id"], condition=~Q(purpose="normal"), name="task_with_purpose"),
            # Few tasks have these, and the others need no entry.
            models.Index(fields=["skill"], condition=Q(skill__isnull=False), name="task_with_skill"),
            models.Index(fields=["original"], condition=Q(original__isnull=False), name="task_shown_again"),
        ]

    def __str__(self) -> str:
        return self.external_id


class TaskResponse(models.Model):
    """A response of a task, in the task's stored order. People see another order, chosen per slot."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="task_responses", db_index=False)
    response = models.ForeignKey("annotation.Response", models.CASCADE, related_name="task_responses", db_index=False)
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["task", "position"], name="task_position_once"),
            models.UniqueConstraint(fields=["response", "task"], name="task_response_once"),
        ]


_PLACE = (F("priority") * Value(-1.0), F("jitter"), F("task_id"), F("number"))
QUEUE_ORDER = (F("project"), F("asks"), F("asks_level"), *_PLACE)
"""A queue and the order in it, all ascending, so that "from here on" is one condition on an index."""


class Slot(models.Model):
    """One wanted judgment of a task, and who holds the right to give it.

    free -> leased -> submitted; a lease that ends goes back to free. `released` slots are not wanted any more.
    A late submit is recognised by the token that stays on a slot freed by expiry, together with its last holder.
    """

    class State(models.TextChoices):
        FREE = "free", "Free"
        LEASED = "leased", "Leased"
        SUBMITTED = "submitted", "Submitted"
        RELEASED = "released", "Released"

    project = models.ForeignKey("annotation.Project", models.CASCADE, related_name="slots")
    """The task's project, repeated here so that one index serves the search for work."""
    task = models.ForeignKey(Task, models.CASCADE, related_name="slots", db_index=False)
    number = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=9, choices=State, default=State.FREE)
    priority = models.FloatField(default=0)
    """The task's priority, repeated for the same index. A trigger copies this and the next three from the task."""
    jitter = models.FloatField(default=0, db_default=0)
    asks = models.BigIntegerField(default=0, db_default=0)
    """The id of the skill that the task asks for; 0 for none. With `asks_level` it names the queue."""
    asks_level = models.PositiveSmallIntegerField(default=0, db_default=0)
    returned_at = models.DateTimeField(null=True, blank=True)
    """When it became free after a lease, by a trigger; null for a slot that was free all along."""
    annotator = models.ForeignKey(
        "annotation.User", models.PROTECT, null=True, blank=True, related_name="slots", db_index=False
    )
    last_annotator = models.ForeignKey(
        "annotation.User", models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    lease_token = models.UUIDField(null=True, blank=True)
    leased_at = models.DateTimeField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "number"], name="slot_number_once_a_task"),
            # The promise of the product: nobody judges a task twice, and no slot is filled twice.
            models.UniqueConstraint(
                fields=["task", "annotator"],
                condition=Q(state__in=["leased", "submitted"]),
                name="slot_once_a_task_and_annotator",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state__in=["free", "released"], annotator__isnull=True)
                    | Q(state="submitted", annotator__isnull=False)
                    | Q(
                        state="leased",
                        annotator__isnull=False,
                        lease_token__isnull=False,
                        lease_expires_at__isnull=False,
                    )
                ),
                name="slot_state_matches_holder",
            ),
        ]
        indexes = [
            models.Index(*QUEUE_ORDER, condition=Q(state="free", returned_at__isnull=True), name="slot_fresh_work"),
            models.Index(*QUEUE_ORDER, condition=Q(state="free", returned_at__isnull=False), name="slot_returned_work"),
            models.Index(fields=["project", "lease_expires_at"], condition=Q(state="leased"), name="slot_leases"),
            models.Index(fields=["lease_token"], condition=Q(lease_token__isnull=False), name="slot_by_token"),
            # New slots have no annotator yet, and need no entry.
            models.Index(
                fields=["annotator", "project", "state"],
                condition=Q(annotator__isnull=False),
                name="slot_held_by_annotator",
            ),
            models.Index(
                fields=["last_annotator"], condition=Q(last_annotator__isnull=False), name="slot_last_annotator"
            ),
        ]


class Skip(models.Model):
    """An annotator passed a task by; it is not offered to them again."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="skips")
    annotator = models.ForeignKey("annotation.User", models.CASCADE, related_name="skips")
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "annotator"], name="skip_once_a_task_and_annotator")]


class Flag(models.Model):
    """An annotator's note to the managers that something is wrong with a task."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="flags")
    annotator = models.ForeignKey("annotation.User", models.CASCADE, related_name="flags")
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "annotator"], name="flag_once_a_task_and_annotator")]
