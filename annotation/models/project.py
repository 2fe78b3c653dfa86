from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q


class FeedbackKind(models.TextChoices):
    SCALAR = "scalar", "Score one response"
    RANKING = "ranking", "Rank several responses"


SHARE = [MinValueValidator(0.0), MaxValueValidator(1.0)]
HALF = [MinValueValidator(0.0), MaxValueValidator(0.5)]


class Project(models.Model):
    """One campaign: a guideline, criteria, a feedback kind, people and a gate for agreement."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=8, choices=FeedbackKind)
    guideline = models.TextField(blank=True)
    """Markdown, shown beside every task."""
    guideline_version = models.PositiveIntegerField(default=1)
    judgments_per_task = models.PositiveSmallIntegerField(
        default=3, validators=[MinValueValidator(1), MaxValueValidator(50)]
    )
    lease_seconds = models.PositiveIntegerField(default=900)
    """How long a lease lasts after the last sign of life."""
    lease_limit_seconds = models.PositiveIntegerField(default=7200)
    """How long a lease can be prolonged in all."""
    agreement_gate = models.FloatField(default=0.6)
    """Alpha that training waits for (see Loop)."""
    widen_seconds = models.PositiveIntegerField(default=3600, db_default=3600)
    """How long a task that asks for a skill is kept for the better qualified; 0: offered to all of them at once."""
    skips_per_day = models.PositiveIntegerField(null=True, blank=True, default=100, db_default=100)
    """How many tasks one person may skip in 24 hours; null for no limit."""
    skips_to_hold = models.PositiveSmallIntegerField(default=3, db_default=3, validators=[MinValueValidator(1)])
    """A task that so many people skipped goes to a manager."""
    reserve_slots = models.PositiveSmallIntegerField(default=0, db_default=0, validators=[MaxValueValidator(50)])
    """How many more judgments a manager may ask for on one task."""
    practice_tasks = models.PositiveSmallIntegerField(default=5, db_default=5)
    """How many of the project's practice tasks a person does first, as far as there are any."""
    qualification_tasks = models.PositiveSmallIntegerField(default=0, db_default=0)
    """How many tasks the test takes that comes before all normal work; 0 for no test."""
    pass_mark = models.FloatField(default=0.8, db_default=0.8, validators=SHARE)
    """Share of the test's answers that must be right."""
    qualification_attempts = models.PositiveSmallIntegerField(
        default=2, db_default=2, validators=[MinValueValidator(1), MaxValueValidator(9)]
    )
    qualification_skill = models.ForeignKey(
        "annotation.Skill", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    """What passing the test gives; null for nothing but the right to work."""
    qualification_level = models.PositiveSmallIntegerField(
        default=1, db_default=1, validators=[MinValueValidator(1), MaxValueValidator(5)]
    )
    gold_rate = models.FloatField(default=0.05, db_default=0.05, validators=HALF)
    """Share of the tasks a person gets that are gold, mixed in silently, as far as there are any."""
    repeat_rate = models.FloatField(default=0.0, db_default=0.0, validators=HALF)
    """Share of the tasks a person gets that they have judged before."""
    repeat_after = models.PositiveSmallIntegerField(default=20, db_default=20, validators=[MinValueValidator(1)])
    """How many other tasks lie between a task and its repeat, at least."""
    gold_tolerance = models.FloatField(default=0.25, db_default=0.25, validators=SHARE)
    """How far a score may be from the known one and still be right, as a share of the scale."""
    is_open = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)
    created_by = models.ForeignKey("annotation.User", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(judgments_per_task__gte=1), name="project_wants_a_judgment"),
            models.CheckConstraint(condition=Q(lease_seconds__gte=1), name="project_lease_lasts"),
            models.CheckConstraint(
                condition=Q(lease_limit_seconds__gte=F("lease_seconds")), name="project_lease_limit_covers_a_lease"
            ),
            models.CheckConstraint(
                condition=Q(gold_rate__range=(0, 0.5), repeat_rate__range=(0, 0.5)), name="project_silent_rates"
            ),
            models.CheckConstraint(
                condition=Q(pass_mark__range=(0, 1), gold_tolerance__range=(0, 1)), name="project_quality_shares"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Criterion(models.Model):
    """One scale that responses are scored on."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="criteria")
    name = models.SlugField(max_length=60)
    label = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    minimum = models.FloatField(default=1)
    maximum = models.FloatField(default=5)
    step = models.FloatField(null=True, blank=True, default=1)
    """Distance between two points of the scale; null means any value in the range."""
    anchors = models.JSONField(default=dict, blank=True)
    """Text for points of the scale: {"1": "wrong", "5": "right"}."""
    required = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="criterion_name_once_a_project"),
            models.CheckConstraint(condition=Q(maximum__gt=F("minimum")), name="criterion_scale_has_extent"),
            models.CheckConstraint(condition=Q(step__isnull=True) | Q(step__gt=0), name="criterion_step_positive"),
        ]

    def clean(self) -> None:
        """Say in the words of a field what the constraints would refuse by name."""
        if self.minimum is not None and self.maximum is not None and self.maximum <= self.minimum:
            raise ValidationError({"maximum": f"must be above the lowest point, {self.minimum:g}"})

    def __str__(self) -> str:
        return self.label


class Membership(models.Model):
    """A person's role in a project. A manager may do what a reviewer may, a reviewer what an annotator may."""

    class Role(models.TextChoices):
        ANNOTATOR = "annotator", "Annotator"
        REVIEWER = "reviewer", "Reviewer"
        MANAGER = "manager", "Manager"

    project = models.ForeignKey(Project, models.CASCADE, related_name="memberships")
    user = models.ForeignKey("annotation.User", models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.ANNOTATOR)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="membership_once_a_person")]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.project}"
