"""Agreement week by week, of every two people, and of everybody against the others."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, refuse_unknown_parameters, require_project
from annotation.api.schema import describe
from annotation.permissions import Role
from annotation.selectors.agreement_details import load_pairs_of_people, load_trend
from annotation.selectors.person_figures import DEFAULT_ORDER, MOST_ROWS, ORDERS, figures_page

PAGE_ROWS = 100
UNDEFINED = "Null where it is undefined; `note` says why."
AFTER = OpenApiParameter("after", str, description="What `next` of the page before says.")
PAGE_SIZE = OpenApiParameter("page_size", int, description=f"Rows a page, at most {MOST_ROWS}.")


class WeekOutput(serializers.Serializer[Any]):
    criterion = serializers.CharField()
    level = serializers.CharField()
    statistic = serializers.CharField()
    week = serializers.DateField(help_text="Its Monday; a task belongs to the week of its last judgment.")
    value = serializers.FloatField(allow_null=True, help_text=UNDEFINED)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    confidence = serializers.FloatField()
    method = serializers.CharField()
    units = serializers.IntegerField()
    judgments = serializers.IntegerField()
    tasks = serializers.IntegerField(help_text="That two or more people judged.")
    note = serializers.CharField(allow_blank=True)


class TrendOutput(serializers.Serializer[Any]):
    results = WeekOutput(many=True)


class PairOutput(serializers.Serializer[Any]):
    criterion = serializers.CharField()
    statistic = serializers.CharField()
    first = serializers.CharField(help_text="Pseudonym.")
    second = serializers.CharField()
    first_id = serializers.IntegerField()
    second_id = serializers.IntegerField()
    simulated = serializers.BooleanField(help_text="Whether one of them is a simulated annotator.")
    value = serializers.FloatField(allow_null=True, help_text=UNDEFINED)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    confidence = serializers.FloatField()
    method = serializers.CharField()
    units = serializers.IntegerField()
    tasks = serializers.IntegerField(help_text="Shared ones.")
    note = serializers.CharField(allow_blank=True)


class PairsOutput(serializers.Serializer[Any]):
    next = serializers.CharField(allow_null=True)
    results = PairOutput(many=True)


class ShareOutput(serializers.Serializer[Any]):
    value = serializers.FloatField(allow_null=True, help_text=UNDEFINED)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    count = serializers.IntegerField(help_text="Tasks; of accuracy, position and length choices.")
    note = serializers.CharField(allow_blank=True)


class StandingPauseOutput(serializers.Serializer[Any]):
    state = serializers.ChoiceField(["proposed", "accepted"])
    sentences = serializers.ListField(child=serializers.CharField())


class FiguresOutput(serializers.Serializer[Any]):
    annotator = serializers.IntegerField()
    pseudonym = serializers.CharField()
    simulated = serializers.BooleanField()
    judgments = serializers.IntegerField()
    median_active_ms = serializers.FloatField(allow_null=True)
    agreement = ShareOutput(help_text="How near to everybody else on what they share.")
    accuracy = ShareOutput(help_text="Strict choices that are those of the majority of the others.")
    gold = ShareOutput()
    consistency = ShareOutput(help_text="The same answer when a task was repeated.")
    position = ShareOutput(help_text="Strict choices for the response shown earlier.")
    length = ShareOutput(help_text="Strict choices for the longer response.")
    pause = StandingPauseOutput(allow_null=True, help_text="Proposed by the product or in force.")


class FiguresPageOutput(serializers.Serializer[Any]):
    next = serializers.CharField(allow_null=True)
    results = FiguresOutput(many=True)


class AgreementTrendView(ApiView):
    @describe(
        "get_agreement_trend",
        "Agreement week by week. One record a criterion, statistic and week, the oldest week first.",
        gives={200: TrendOutput},
        fails=(400, 403, 404),
        tag="projects",
    )
    def get(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.REVIEWER)
        refuse_unknown_parameters(request, ())
        return Response({"results": load_trend(project=project)})


class AgreementPairsView(ApiView):
    @describe(
        "list_agreement_pairs",
        "The agreement of every two people, of the hundred who share most. Who is compared most comes first.",
        gives={200: PairsOutput},
        fails=(400, 403, 404),
        parameters=[OpenApiParameter("criterion", str, description="Of one criterion only."), AFTER, PAGE_SIZE],
        tag="projects",
    )
    def get(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.REVIEWER)
        refuse_unknown_parameters(request, {"criterion", "after", "page_size"})
        start, size = _read_number(request.query_params, "after", 0, 10**9), _page_size(request.query_params)
        tables = load_pairs_of_people(project=project, criterion=request.query_params.get("criterion"))
        records = (record for table in tables for record in table.records())
        found = list(islice(records, start, start + size + 1))
        more = len(found) > size
        return Response({"next": str(start + size) if more else None, "results": found[:size]})


class AgreementPeopleView(ApiView):
    @describe(
        "list_agreement_people",
        "Everybody who judged, with their figures. Agreement, gold and repeats follow judgments within about half a "
        "minute, position and length within a minute or two.",
        gives={200: FiguresPageOutput},
        fails=(400, 403, 404),
        parameters=[
            OpenApiParameter("order", str, description=f"{', '.join(ORDERS)}; a minus begins with the largest."),
            OpenApiParameter("search", str, description="Part of a pseudonym or user name."),
            AFTER, PAGE_SIZE,
        ],
        tag="projects",
    )  # fmt: skip
    def get(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.REVIEWER)
        refuse_unknown_parameters(request, {"order", "search", "after", "page_size"})
        asked = request.query_params
        page = figures_page(
            project=project, order=asked.get("order", DEFAULT_ORDER), search=asked.get("search", ""),
            after=asked.get("after", ""), most=_page_size(asked),
        )  # fmt: skip
        return Response({"next": page.next, "results": page.records})


def _page_size(asked: Mapping[str, Any]) -> int:
    return max(_read_number(asked, "page_size", PAGE_ROWS, MOST_ROWS), 1)


def _read_number(asked: Mapping[str, Any], name: str, default: int, most: int) -> int:
    """Raises: ValidationError naming the parameter that is no whole number from 0 up to the most."""
    text = str(asked.get(name, default))
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) <= most):
        raise ValidationError({name: [f"must be a whole number from 0 to {most}"]})
    return int(text)
