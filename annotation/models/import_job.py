from django.db import models
from django.db.models import Q


class ImportJob(models.Model):
    """A file on its way into a project: uploaded, looked at, then stored whole or not at all."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", "Uploaded"
        QUEUED = "queued", "Waiting for a worker"
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Done"
        FAILED = "failed", "Refused"
        ERROR = "error", "Broke"
        CANCELLED = "cancelled", "Cancelled"

    project = models.ForeignKey("annotation.Project", models.CASCADE, related_name="import_jobs", db_index=False)
    created_by = models.ForeignKey("annotation.User", models.SET_NULL, null=True, related_name="+")
    state = models.CharField(max_length=9, choices=State, default=State.UPLOADED)
    stored_name = models.CharField(max_length=100, blank=True)
    """Where the file lies in the storage, under a name of our own; empty once it was removed."""
    file_name = models.CharField(max_length=200)
    """What the person called it; only ever shown."""
    size_bytes = models.PositiveBigIntegerField()

    format = models.CharField(max_length=20, blank=True)
    mapping = models.JSONField(default=dict)
    """{column: field}, for formats that take one."""
    is_dry_run = models.BooleanField(default=False)
    infer_criteria = models.BooleanField(default=False)
    """Whether criteria are made of the scores seen, for projects that have none."""

    bytes_done = models.PositiveBigIntegerField(default=0)
    counts = models.JSONField(default=dict)
    """What is stored so far: {prompts, responses, tasks, judgments, annotators, skipped}."""
    errors = models.JSONField(default=list)
    """The first ones: [[line, field, message], ...]"""
    error_count = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=500, blank=True)
    """Why it ended as it did, in a sentence."""

    worker = models.CharField(max_length=200, blank=True)
    fencing_token = models.PositiveIntegerField(default=0)
    """Grows with every claim; only the newest owner writes."""
    attempts = models.PositiveSmallIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="running") | Q(lease_expires_at__isnull=False), name="import_running_has_a_lease"
            )
        ]
        indexes = [
            models.Index(fields=["project", "-id"], name="import_by_project"),
            models.Index(fields=["state"], condition=Q(state__in=["queued", "running"]), name="import_under_way"),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.state})"

    @property
    def is_under_way(self) -> bool:
        return self.state in (self.State.QUEUED, self.State.RUNNING)
