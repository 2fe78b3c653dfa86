from django.db import models


class Loop(models.Model):
    """A project's standing order: start a reward run when there is enough new feedback that people agree on."""

    project = models.OneToOneField("annotation.Project", models.CASCADE, related_name="loop")
    is_enabled = models.BooleanField(default=False)
    min_new_judgments = models.PositiveIntegerField(default=500)
    gate_criterion = models.CharField(max_length=60, blank=True)
    """Criterion whose alpha is held against the project's gate; empty: the first of the report."""
    reward_config = models.JSONField(default=dict, blank=True)
    policy_kind = models.CharField(max_length=8, default="grpo")
    policy_config = models.JSONField(default=dict, blank=True)
    then_train_policy = models.BooleanField(default=True)
    """Whether a reward model that passes its gate starts a policy run."""
    responses_to_serve = models.PositiveIntegerField(default=50)
    """New responses of a finished policy that become blind tasks."""
    newest_judgment_id = models.BigIntegerField(default=0)
    """Judgments up to here were used by the last run it started."""
    last_verdict = models.CharField(max_length=300, blank=True)
    """Plain words: what the last evaluation decided and why."""
    last_evaluated_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"standing order of {self.project}"
