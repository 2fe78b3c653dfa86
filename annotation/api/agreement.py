"""How far the annotators of a project say the same."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, require_project
from annotation.api.schema import describe
from annotation.models import AgreementReport
from annotation.permissions import Role
from annotation.selectors.reports import latest_report


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


class ReportOutput(serializers.ModelSerializer[AgreementReport]):
    statistics = StatisticOutput(many=True)

    class Meta:
        model = AgreementReport
        fields = (
            "statistics",
            "judgments",
            "annotators",
            "tasks",
            "simulated_judgments",
            "newest_judgment_id",
            "computed_at",
        )


class AgreementOutput(serializers.Serializer[Any]):
    report = ReportOutput(allow_null=True, help_text="Null until there are judgments and a report was computed.")


class AgreementView(ApiView):
    @describe(
        "get_agreement",
        "The latest agreement report. It follows new judgments within about half a minute; `newest_judgment_id` says "
        "up to where it looked.",
        gives={200: AgreementOutput},
        fails=(403, 404),
        tag="projects",
    )
    def get(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.REVIEWER)
        return Response(AgreementOutput({"report": latest_report(project=project)}).data)
