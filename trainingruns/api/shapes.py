"""What the API shows of snapshots, runs and models."""

from typing import Any

from rest_framework import serializers

from trainingruns.models import Loop, Metric, ModelVersion, Run, Snapshot
from trainingruns.selectors.reward_doubts import doubts_about_rewards
from trainingruns.selectors.sampling_doubts import doubts_about_sampling


class SnapshotOutput(serializers.ModelSerializer[Snapshot]):
    class Meta:
        model = Snapshot
        fields = (
            "id",
            "number",
            "view",
            "eval_share",
            "seed",
            "filters",
            "sha256",
            "manifest",
            "train_pairs",
            "eval_pairs",
            "judgments",
            "newest_judgment_id",
            "created_at",
        )


class VersionOutput(serializers.ModelSerializer[ModelVersion]):
    project = serializers.SlugRelatedField[Any](
        slug_field="slug", read_only=True, allow_null=True, help_text="Null: a base model for every project."
    )

    class Meta:
        model = ModelVersion
        fields = (
            "id",
            "kind",
            "name",
            "number",
            "stage",
            "project",
            "parent_id",
            "run_id",
            "sha256",
            "metrics",
            "created_at",
        )


class RunOutput(serializers.ModelSerializer[Run]):
    project = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    ensemble_version_ids = serializers.ListField(child=serializers.IntegerField(), read_only=True)
    groups_run_id = serializers.IntegerField(read_only=True, allow_null=True)

    class Meta:
        model = Run
        fields: tuple[str, ...] = (
            "id",
            "project",
            "kind",
            "state",
            "reason",
            "step",
            "total_steps",
            "checkpoint_step",
            "snapshot_id",
            "base_version_id",
            "reward_version_id",
            "ensemble_version_ids",
            "groups_run_id",
            "config",
            "result",
            "exit_code",
            "attempts",
            "created_at",
            "started_at",
            "finished_at",
        )


class RunDetailOutput(RunOutput):
    reward_doubts = serializers.SerializerMethodField(
        help_text="A sentence for each reward model of the run that is not clearly better than chance."
    )
    sampling_doubts = serializers.SerializerMethodField(
        help_text="A sentence where people rank a sample run's responses and no policy can learn from that."
    )

    class Meta(RunOutput.Meta):
        fields = (*RunOutput.Meta.fields, "reward_doubts", "sampling_doubts")

    def get_reward_doubts(self, run: Run) -> list[str]:
        return doubts_about_rewards(run)

    def get_sampling_doubts(self, run: Run) -> list[str]:
        return doubts_about_sampling(run)


class MetricOutput(serializers.ModelSerializer[Metric]):
    class Meta:
        model = Metric
        fields = ("step", "at", "values")


class LoopOutput(serializers.ModelSerializer[Loop]):
    class Meta:
        model = Loop
        fields = (
            "is_enabled",
            "min_new_judgments",
            "gate_criterion",
            "reward_config",
            "policy_kind",
            "policy_config",
            "then_train_policy",
            "responses_to_serve",
            "last_verdict",
            "last_evaluated_at",
        )


class LineageOutput(serializers.Serializer[Any]):
    role = serializers.CharField(help_text="What it is to the node above.")
    title = serializers.CharField()
    made_from = serializers.ListField(child=serializers.DictField(), help_text="Nodes of the same shape.")
