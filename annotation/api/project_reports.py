"""Sections of a project's reports, for its managers: consensus, bias, data health."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, require_project
from annotation.api.report_shapes import BiasContent, ConsensusContent, DataHealthContent
from annotation.api.schema import describe
from annotation.models import ProjectReport
from annotation.permissions import Role
from annotation.selectors.project_reports import is_fresh_section, latest_section

TEXT = (
    "{what} The report follows new judgments and imports within a minute or two; `is_fresh` says whether anything "
    "came since. `report` is null until the first one is computed."
)


class ConsensusOutput(serializers.Serializer[Any]):
    report = ConsensusContent(allow_null=True)
    computed_at = serializers.DateTimeField(allow_null=True)
    is_fresh = serializers.BooleanField()


class BiasOutput(serializers.Serializer[Any]):
    report = BiasContent(allow_null=True)
    computed_at = serializers.DateTimeField(allow_null=True)
    is_fresh = serializers.BooleanField()


class DataHealthOutput(serializers.Serializer[Any]):
    report = DataHealthContent(allow_null=True)
    computed_at = serializers.DateTimeField(allow_null=True)
    is_fresh = serializers.BooleanField()


class SectionView(ApiView):
    """The latest report of one section."""

    section: ClassVar[str]

    def answer(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.MANAGER)
        report = latest_section(project=project, section=self.section)
        return Response(
            {
                "report": None if report is None else report.content,
                "computed_at": None if report is None else report.computed_at,
                "is_fresh": is_fresh_section(report, project=project),
            }
        )


class ConsensusView(SectionView):
    section = ProjectReport.Section.CONSENSUS

    @describe(
        "get_consensus",
        TEXT.format(what="What people say together, with the reliability of each and the leaderboard of sources."),
        gives={200: ConsensusOutput},
        fails=(403, 404),
        tag="projects",
    )
    def get(self, request: Request, slug: str) -> Response:
        return self.answer(request, slug)


class BiasView(SectionView):
    section = ProjectReport.Section.BIAS

    @describe(
        "get_bias",
        TEXT.format(what="What choices and scores follow besides the text, for the project and each person."),
        gives={200: BiasOutput},
        fails=(403, 404),
        tag="projects",
    )
    def get(self, request: Request, slug: str) -> Response:
        return self.answer(request, slug)


class DataHealthView(SectionView):
    section = ProjectReport.Section.DATA_HEALTH

    @describe(
        "get_data_health",
        TEXT.format(
            what="Whether the data is clean, consistent, relevant, diverse and balanced, with rows to look at."
        ),
        gives={200: DataHealthOutput},
        fails=(403, 404),
        tag="projects",
    )
    def get(self, request: Request, slug: str) -> Response:
        return self.answer(request, slug)
