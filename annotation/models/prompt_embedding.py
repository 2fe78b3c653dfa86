from django.db import models


class PromptEmbedding(models.Model):
    """What is known of the sample of prompts that data health looks at: vectors, or why there are none."""

    project = models.OneToOneField("annotation.Project", models.CASCADE, related_name="prompt_embedding")
    sample_sha256 = models.CharField(max_length=64)
    """Digest of the sample's texts. While they are the same, nothing is embedded again."""
    is_wanted = models.BooleanField(default=True)
    """Whether somebody with a model should look at it."""
    vectors = models.BinaryField(null=True)
    """[texts, dimensions] little-endian float32, row by row; null: there are none."""
    dimensions = models.PositiveIntegerField(default=0)
    model = models.CharField(max_length=200, blank=True)
    """The model that made them, in words."""
    reason = models.CharField(max_length=500, blank=True)
    """Why there are none, as the last attempt said; empty before the first one."""
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=models.Q(is_wanted=True), name="prompt_embedding_wanted")]

    def __str__(self) -> str:
        return f"embedding of {self.project_id}"
