from django.db import models
from django.db.models import Q


class ModelVersion(models.Model):
    """An entry of the registry: a reward model or a policy, with its parent, its run and its stage."""

    class Kind(models.TextChoices):
        REWARD = "reward", "Reward model"
        POLICY = "policy", "Policy"

    class Stage(models.TextChoices):
        CANDIDATE = "candidate", "Candidate"
        CHAMPION = "champion", "Champion"
        ARCHIVED = "archived", "Archived"

    project = models.ForeignKey("annotation.Project", models.PROTECT, null=True, related_name="model_versions")
    """Null: a base model that every project may start from."""
    kind = models.CharField(max_length=6, choices=Kind)
    name = models.CharField(max_length=120)
    number = models.PositiveIntegerField()
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")
    run = models.OneToOneField("trainingruns.Run", models.PROTECT, null=True, related_name="model_version")
    artifact = models.CharField(max_length=500)
    """Folder under the artifacts root, an absolute folder, or a hub id."""
    sha256 = models.CharField(max_length=64, blank=True)
    """Digest over the folder's files (names and contents)."""
    metrics = models.JSONField(default=dict, blank=True)
    stage = models.CharField(max_length=9, choices=Stage, default=Stage.CANDIDATE)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "name", "number"], name="model_version_number_once"),
            models.UniqueConstraint(
                fields=["kind", "name"], condition=Q(stage="champion"), name="model_version_one_champion"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"
