"""How far the annotators of a project say the same."""

from typing import Any

from rest_framework import serializers

from annotation.models import AgreementReport


class StatisticOutput(serializers.Serializer[Any]):
    criterion = serializers.CharField()
    level = serializers.CharField()
    statistic = serializers.CharField()
    value = serializers.FloatField(allow_null=True, help_text="Null where it is undefined; `note` says why.")
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    confidence = serializers.FloatField(allow_null=True)
    method = serializers.CharField()
    units = serializers.IntegerField()
    annotators = serializers.IntegerField()
    judgments = serializers.IntegerField()
    dropped = serializers.IntegerField()
    note = serializers.CharField(allow_blank=True)


class AgreementOutput(serializers.ModelSerializer[AgreementReport]):
    statistics = StatisticOutput(many=True)
    is_simulated = serializers.SerializerMethodField(help_text="Whether judgments of simulated annotators are in it.")

    class Meta:
        model = AgreementReport
        fields = (
            "statistics",
            "judgments",
            "annotators",
            "tasks",
            "simulated_judgments",
            "is_simulated",
            "newest_judgment_id",
            "computed_at",
        )

    def get_is_simulated(self, report: AgreementReport) -> bool:
        return report.simulated_judgments > 0
