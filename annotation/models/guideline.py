from django.db import models


class GuidelineVersion(models.Model):
    """One version of a project's guideline. The newest is the project's own text; none is ever changed."""

    project = models.ForeignKey("annotation.Project", models.CASCADE, related_name="guideline_versions")
    number = models.PositiveIntegerField()
    text = models.TextField(blank=True)
    note = models.CharField(max_length=300, blank=True)
    """What changed and why, in a sentence for the annotators."""
    author = models.ForeignKey("annotation.User", models.SET_NULL, null=True, blank=True, related_name="+")
    """Null: the product itself, or written before versions were kept."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="guideline_version_once_a_project"),
        ]
