"""Trend, pairs and people over REST are what the command prints and the pure functions give."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotation.agreement.comparisons import compare_people
from annotation.agreement.pair_sums import sum_pairs
from annotation.agreement.person_sums import NEAR, sum_people
from annotation.agreement.shares import estimate_share
from annotation.models import Project
from annotation.selectors.observations import load_pairs
from annotation.services.reports import refresh_agreement_report
from tests.annotation.api.conftest import ClientOf
from tests.annotation.weekly import judge_weeks

pytestmark = pytest.mark.django_db


@pytest.fixture
def judged(project: Project) -> Project:
    judge_weeks(project)
    refresh_agreement_report(project=project)
    return project


def get(client_of: ClientOf, what: str, **query: Any) -> Any:
    response = client_of("rita").get(f"/api/v1/projects/cooking/agreement/{what}", query)
    assert response.status_code == 200, response.content
    return json.loads(response.content)


def command(part: str) -> Any:
    out = StringIO()
    call_command("agreement", "cooking", "--json", "--part", part, stdout=out)
    return json.loads(out.getvalue())


def test_rest_gives_what_the_command_prints(judged: Project, client_of: ClientOf) -> None:
    assert get(client_of, "trend")["results"] == command("trend") != []
    assert get(client_of, "pairs")["results"] == command("pairs") != []
    assert get(client_of, "people")["results"] == command("people") != []
    everything = command("all")
    assert list(everything) == ["statistics", "trend", "pairs", "people"]
    assert all(everything[part] == command(part) for part in everything)


def test_pairs_and_people_are_those_of_the_pure_functions(judged: Project, client_of: ClientOf) -> None:
    comparisons = compare_people(load_pairs(project=judged))
    sums, people = sum_pairs(comparisons, comparisons.table.annotator_ids), sum_people(comparisons)
    pairs = {(each["first_id"], each["second_id"]): each for each in get(client_of, "pairs")["results"]}
    assert len(pairs) == 6
    for first, second, row in zip(sums.first.tolist(), sums.second.tolist(), sums.rows, strict=True):
        found, want = pairs.get((first, second)) or pairs[second, first], estimate_share(row, confidence=0.95)
        assert (found["value"], found["low"], found["high"]) == pytest.approx((want.value, want.low, want.high))
        assert found["tasks"] == 27
    by_person = {each["annotator"]: each["agreement"] for each in get(client_of, "people")["results"]}
    for person, row in zip(people.people.tolist(), people.rows, strict=True):
        want = estimate_share(row[NEAR], confidence=0.95)
        assert (by_person[person]["value"], by_person[person]["low"]) == pytest.approx((want.value, want.low))


def test_lists_go_on_page_by_page(judged: Project, client_of: ClientOf) -> None:
    for what in ("pairs", "people"):
        whole, found, after = get(client_of, what)["results"], [], ""
        while after is not None:
            page = get(client_of, what, page_size=1, **({"after": after} if after else {}))
            found += page["results"]
            after = page["next"]
        assert found == whole


@pytest.mark.parametrize(
    "address",
    ["trend?x=1", "pairs?after=-1", "pairs?page_size=x", "people?page_size=501", "people?order=password",
     "people?after=%00", "pairs?x="],
)  # fmt: skip
def test_odd_queries_are_refused(judged: Project, client_of: ClientOf, address: str) -> None:
    assert client_of("rita").get(f"/api/v1/projects/cooking/agreement/{address}").status_code == 400


def test_an_unknown_criterion_has_no_pairs(judged: Project, client_of: ClientOf) -> None:
    assert get(client_of, "pairs", criterion="x") == {"next": None, "results": []}


def test_the_command_prints_lines_for_people_and_refuses_a_seed_for_other_parts(judged: Project) -> None:
    for part, word in (("trend", "2026-02-02"), ("pairs", "27 shared tasks"), ("people", "27 judgments")):
        out = StringIO()
        call_command("agreement", "cooking", "--part", part, stdout=out)
        assert word in out.getvalue()
    with pytest.raises(CommandError, match="statistics only"):
        call_command("agreement", "cooking", "--part", "trend", "--seed", "3")
