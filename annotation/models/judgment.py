from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils import timezone


class Judgment(models.Model):
    """What one annotator said about one task. Append-only: an edit is a new revision.

    The database refuses any UPDATE but of `is_current` (see the migration), so lineage can be trusted.
    Response keys, not ids or letters, name the responses everywhere in the answer.
    """

    project = models.ForeignKey("annotation.Project", models.PROTECT, related_name="judgments")
    task = models.ForeignKey("annotation.Task", models.PROTECT, related_name="judgments", db_index=False)
    annotator = models.ForeignKey("annotation.User", models.PROTECT, related_name="judgments", db_index=False)
    slot = models.ForeignKey("annotation.Slot", models.PROTECT, null=True, blank=True, related_name="judgments")
    """The slot it fills; null for a surplus answer that a manager accepted."""
    kind = models.CharField(max_length=8)
    revision = models.PositiveIntegerField(default=1)
    is_current = models.BooleanField(default=True)
    supersedes = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="superseded_by")

    tiers = models.JSONField(default=list)
    """[["b"], ["a", "c"]]: response keys, best first, ties together. Empty for scalar."""
    bad = models.JSONField(default=list)
    """Keys below the "all bad" line."""
    unranked = models.JSONField(default=list)
    strength = models.JSONField(null=True)
    """Between adjacent tiers, 1 slightly, 2 clearly, 3 much; null if not asked."""
    scores = models.JSONField(default=dict)
    """{criterion name: {response key: number or null}}; null is "not applicable"."""
    shown_order = models.JSONField(default=list)
    """Response keys in the order in which this person saw them; empty if unknown (imports)."""
    rationale = models.TextField(blank=True)
    rationales = models.JSONField(default=dict, db_default={})
    """Reasons for single scores: {criterion name: text}."""
    confidence = models.PositiveSmallIntegerField(null=True)
    active_ms = models.PositiveBigIntegerField(null=True)
    warnings = models.JSONField(default=list)
    """Signals recorded at submit, for instance `too_fast`. Never a reason to refuse."""
    reason = models.CharField(max_length=500, blank=True)
    """Why it was amended."""

    guideline_version = models.PositiveIntegerField(default=1)
    idempotency_key = models.CharField(max_length=100, blank=True)
    lease_token = models.UUIDField(null=True)
    is_imported = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    """When the annotator said it."""
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "annotator", "revision"], name="judgment_revision_once"),
            models.UniqueConstraint(
                fields=["task", "annotator"], condition=Q(is_current=True), name="judgment_one_current"
            ),
            models.UniqueConstraint(
                fields=["annotator", "idempotency_key"], condition=~Q(idempotency_key=""), name="judgment_idempotency"
            ),
            models.CheckConstraint(
                condition=Q(confidence__isnull=True) | Q(confidence__range=(1, 5)), name="judgment_confidence_1_to_5"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "id"], condition=Q(is_current=True), name="judgment_current"),
            models.Index(F("annotator"), F("created_at").desc(), name="judgment_by_annotator"),
            # People look through what they edited; without it that reads everything they ever said.
            models.Index(
                F("annotator"),
                F("created_at").desc(),
                condition=Q(is_current=True, revision__gt=1),
                name="judgment_edited",
            ),
            # Rows come in the order of this time: a few bytes a page find the last hour, at next to no cost of a write.
            BrinIndex(fields=["recorded_at"], pages_per_range=32, autosummarize=True, name="judgment_recorded"),
        ]


class Score(models.Model):
    """One number of a judgment, derived in the same transaction."""

    judgment = models.ForeignKey(Judgment, models.PROTECT, related_name="score_rows", db_index=False)
    criterion = models.ForeignKey("annotation.Criterion", models.PROTECT, related_name="+")
    response = models.ForeignKey("annotation.Response", models.PROTECT, related_name="+")
    value = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["judgment", "criterion", "response"], name="score_once_a_judgment")
        ]


class Preference(models.Model):
    """(chosen, rejected, strength) that follows from a judgment; derived, never typed in."""

    class DerivedFrom(models.TextChoices):
        RANKING = "ranking"
        SCALAR = "scalar"

    judgment = models.ForeignKey(Judgment, models.PROTECT, related_name="preferences", db_index=False)
    chosen = models.ForeignKey("annotation.Response", models.PROTECT, related_name="+")
    rejected = models.ForeignKey("annotation.Response", models.PROTECT, related_name="+")
    strength = models.FloatField(null=True)
    """Sum of the strengths between the two tiers; null if not asked."""
    derived_from = models.CharField(max_length=8, choices=DerivedFrom)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["judgment", "chosen", "rejected"], name="preference_once_a_judgment"),
            models.CheckConstraint(condition=~Q(chosen=F("rejected")), name="preference_between_two"),
        ]


class KeptAnswer(models.Model):
    """An answer that came too late for its slot. Nothing is thrown away: a manager accepts or dismisses it."""

    class State(models.TextChoices):
        KEPT = "kept", "Waiting for a manager"
        ACCEPTED = "accepted", "Accepted"
        DISMISSED = "dismissed", "Dismissed"

    task = models.ForeignKey("annotation.Task", models.CASCADE, related_name="kept_answers")
    annotator = models.ForeignKey("annotation.User", models.CASCADE, related_name="kept_answers")
    answer = models.JSONField()
    shown_order = models.JSONField(default=list)
    """Response keys in the order in which this person saw them; empty if unknown."""
    reason = models.CharField(max_length=200)
    state = models.CharField(max_length=9, choices=State, default=State.KEPT)
    idempotency_key = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["annotator", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="kept_answer_idempotency",
            )
        ]


class Draft(models.Model):
    """An unfinished answer, saved while the annotator works."""

    task = models.ForeignKey("annotation.Task", models.CASCADE, related_name="drafts", db_index=False)
    annotator = models.ForeignKey("annotation.User", models.CASCADE, related_name="drafts")
    answer = models.JSONField()
    version = models.PositiveIntegerField(default=1)
    """Optimistic lock: a save names the version it builds on, so an old tab cannot overwrite a newer one."""
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "annotator"], name="draft_once_a_task_and_annotator")]
