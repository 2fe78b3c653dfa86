from django.db import models
from django.db.models import Q

from trainingruns.lifecycle import RunState


class Run(models.Model):
    """One training, evaluation or sampling process. State moves only by conditional UPDATE (services/runs.py)."""

    class Kind(models.TextChoices):
        SFT = "sft", "Supervised fine-tuning"
        DPO = "dpo", "Direct preference optimisation"
        REWARD = "reward", "Reward model"
        PPO = "ppo", "PPO"
        GRPO = "grpo", "GRPO"
        RLOO = "rloo", "RLOO"
        DAPO = "dapo", "DAPO"
        SAMPLE = "sample", "Sampling"
        FETCH = "fetch", "Fetch a base model"
        PREVIEW = "preview", "Preview"

    project = models.ForeignKey("annotation.Project", models.PROTECT, related_name="runs")
    kind = models.CharField(max_length=8, choices=Kind)
    config = models.JSONField(default=dict)
    """The whole validated configuration, as config.json will hold it (paths are filled in at launch)."""
    snapshot = models.ForeignKey("trainingruns.Snapshot", models.PROTECT, null=True, related_name="runs")
    base_version = models.ForeignKey(
        "trainingruns.ModelVersion", models.PROTECT, null=True, related_name="runs_from_here"
    )
    """The model that training starts from or that is sampled."""
    reward_version = models.ForeignKey(
        "trainingruns.ModelVersion", models.PROTECT, null=True, related_name="runs_rewarded"
    )
    purpose = models.JSONField(default=dict, blank=True)
    """What to do with the outcome, for instance {"then": "serve_blind_tasks", "against": "both"}."""

    state = models.CharField(
        max_length=9, choices=[(s.value, s.value.capitalize()) for s in RunState], default=RunState.QUEUED
    )
    reason = models.TextField(blank=True)
    """Plain words: why it stands where it stands."""
    fencing_token = models.PositiveIntegerField(default=0)
    """Grows with every claim. Writes name it; an old owner's writes match nothing."""
    worker = models.CharField(max_length=200, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=5)
    heartbeat_at = models.DateTimeField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_keeps_checkpoint = models.BooleanField(default=True)
    """Whether a cancel lets the trainer write a checkpoint first, or ends it at once and throws away what there is."""
    exit_code = models.IntegerField(null=True)

    step = models.PositiveIntegerField(default=0)
    total_steps = models.PositiveIntegerField(default=0)
    checkpoint_step = models.PositiveIntegerField(null=True)
    status = models.JSONField(default=dict, blank=True)
    """The trainer's status.json, as last seen."""
    result = models.JSONField(default=dict, blank=True)
    """The trainer's result.json."""
    directory = models.CharField(max_length=300, blank=True)
    """Run directory, under the artifacts root."""
    log_tail = models.TextField(blank=True)

    created_by = models.ForeignKey("annotation.User", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["lease_expires_at"], condition=Q(state="running"), name="run_leases"),
            models.Index(fields=["id"], condition=Q(state="queued"), name="run_queue"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} run {self.pk}"

    @property
    def groups_run_id(self) -> int | None:
        """The sample run from whose responses, as people judged them, it learns."""
        found: int | None = self.purpose.get("groups_of")
        return found

    @property
    def ensemble_version_ids(self) -> list[int]:
        """The reward models that score beside `reward_version`."""
        return list(self.purpose.get("ensemble", ()))

    @property
    def rival_version_ids(self) -> list[int]:
        """A sample run's: the policies that people compare its responses with, in tasks of their own; maybe none."""
        if "rivals" in self.purpose:
            return list(self.purpose["rivals"])
        # Runs of a time when there was one rival at most name it alone.
        return [self.purpose["against"]] if "against" in self.purpose else []

    @property
    def origin(self) -> str:
        """How tasks name the run that they come from."""
        return f"run:{self.pk}"

    def origin_against(self, rival_id: int) -> str:
        """How the blind tasks that compare its responses with this rival's name the run that they come from."""
        is_first = self.rival_version_ids[:1] == [rival_id]
        return self.origin if is_first else f"{self.origin}:{rival_id}"

    def origin_at(self, step: int) -> str:
        """How tasks name the step of the run whose policy they compare."""
        return f"{self.origin}@{step}"

    @property
    def is_online(self) -> bool:
        """Whether it trains a policy on completions of its own, which something must reward."""
        return self.kind in ONLINE_KINDS


ONLINE_KINDS = (Run.Kind.PPO, Run.Kind.GRPO, Run.Kind.RLOO, Run.Kind.DAPO)
"""Kinds that train a policy on its own completions."""
POLICY_KINDS = (Run.Kind.SFT, Run.Kind.DPO, *ONLINE_KINDS)
"""Kinds whose outcome is a policy."""


class Metric(models.Model):
    """One line of metrics.jsonl."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="metrics")
    step = models.PositiveIntegerField()
    values = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["step"]
        constraints = [models.UniqueConstraint(fields=["run", "step"], name="metric_step_once_a_run")]


class Sample(models.Model):
    """A response that a run kept for people to look at: the reference's and the policy's, same prompt."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="samples")
    step = models.PositiveIntegerField()
    prompt_id = models.CharField(max_length=200)
    prompt = models.JSONField()
    response = models.TextField()
    reward = models.FloatField(null=True)
    source = models.CharField(max_length=10)
    """`reference` or `policy`."""

    class Meta:
        ordering = ["step", "id"]
        indexes = [models.Index(fields=["run", "prompt_id", "step"], name="sample_by_prompt")]
