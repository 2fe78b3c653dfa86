from django.db import models


class Prompt(models.Model):
    """What was asked: chat messages, oldest first."""

    # Where a unique constraint begins with the column, a second index of it would only slow down imports.
    project = models.ForeignKey("annotation.Project", models.CASCADE, related_name="prompts", db_index=False)
    external_id = models.CharField(max_length=200)
    """The id that the importer gave; the key that makes imports safe to repeat."""
    messages = models.JSONField()
    """[{"role": "user", "content": "..."}, ...]"""
    tags = models.JSONField(default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "external_id"], name="prompt_id_once_a_project")]

    def __str__(self) -> str:
        return self.external_id

    @property
    def text(self) -> str:
        """The last message: what the response answers."""
        return self.messages[-1]["content"] if self.messages else ""


class Response(models.Model):
    """One answer to a prompt."""

    prompt = models.ForeignKey(Prompt, models.CASCADE, related_name="responses", db_index=False)
    key = models.CharField(max_length=100)
    """Its id among the prompt's responses. Never shown to annotators: ids often name the model."""
    text = models.TextField(blank=True)
    source = models.CharField(max_length=200, blank=True)
    """Who or what wrote it: a person, an outside model, or a policy version (`name/number`)."""
    sampling = models.JSONField(default=dict, blank=True)
    """How it was drawn: run, temperature, seed, finish reason."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["prompt", "key"], name="response_key_once_a_prompt")]

    def __str__(self) -> str:
        return f"{self.prompt_id}/{self.key}"
