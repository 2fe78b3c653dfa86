"""Pages of agreement week by week, of every two people, and of everybody."""

import csv
from io import StringIO
from xml.etree import ElementTree

import pytest
from django.test import Client

from annotation.models import AgreementDetail, Judgment, Pause, PersonFigures, Project, User
from annotation.selectors.agreement_details import load_pairs_of_people, load_trend
from annotation.selectors.person_figures import figures_of
from annotation.services.reports import refresh_agreement_report
from tests.annotation.weekly import judge_weeks
from tests.factories import make_member, make_project, make_user

pytestmark = pytest.mark.django_db
PAGES = ("trend", "pairs", "people")


@pytest.fixture
def project() -> Project:
    project = make_project(slug="weeks")
    judge_weeks(project)
    refresh_agreement_report(project=project)
    return project


def client_for(project: Project, role: str = "reviewer") -> Client:
    client = Client()
    client.force_login(make_member(project, role))
    return client


def read(project: Project, address: str, status: int = 200) -> str:
    response = client_for(project).get(f"/projects/weeks/agreement/{address}")
    assert response.status_code == status
    return response.content.decode()


@pytest.mark.parametrize("name", PAGES)
def test_reviewers_see_a_page_and_nobody_else(project: Project, name: str) -> None:
    address = f"/projects/weeks/agreement/{name}/"
    assert "Computed" in read(project, f"{name}/")
    assert client_for(project, "annotator").get(address).status_code == 403
    stranger = Client()
    stranger.force_login(make_user("stranger"))
    assert stranger.get(address).status_code == 404
    assert client_for(project, "manager").post(address).status_code == 405


@pytest.mark.parametrize("name", PAGES)
def test_a_new_project_is_told_what_will_come(name: str) -> None:
    project = make_project(slug="weeks")
    html = read(project, f"{name}/")
    assert "Nothing is computed yet" in html
    assert "style=" not in html.split("<main")[1]


@pytest.mark.parametrize("name", PAGES)
def test_people_who_share_nothing_are_no_error(name: str) -> None:
    project = make_project(slug="weeks")
    judge_weeks(project, people=1)
    refresh_agreement_report(project=project)
    assert {"trend": "Not enough weeks", "pairs": "No two people share a task", "people": "they share no task"}[
        name
    ] in read(project, f"{name}/")


def test_weeks_show_the_stored_numbers_and_the_poor_one_its_reason(project: Project) -> None:
    html = read(project, "trend/?statistic=pairwise_agreement")
    weeks = [each for each in load_trend(project=project) if each["statistic"] == "pairwise_agreement"]
    assert [each["week"] for each in weeks] == ["2026-02-02", "2026-02-09", "2026-02-16"]
    for each in weeks[:2]:
        assert f">{each['value']:.3f}<" in html and f">{each['low']:.3f}<" in html
    assert weeks[2]["value"] is None
    assert "Too few: 3 of the week&#x27;s tasks" in html
    assert "style=" not in html.split("<main")[1]


def test_a_trend_is_saved_as_picture_and_table(project: Project) -> None:
    svg = read(project, "trend/?figure=trend-1-krippendorff_alpha&format=svg")
    drawn = ElementTree.fromstring(svg)
    assert len(drawn.findall(".//{http://www.w3.org/2000/svg}circle")) == 2
    rows = list(csv.DictReader(StringIO(read(project, "trend/?figure=trend-1-pairwise_agreement&format=csv"))))
    newest = next(each for each in load_trend(project=project) if each["week"] == "2026-02-09")
    assert [row["week"] for row in rows] == ["2026-02-16", "2026-02-09", "2026-02-02"]
    assert float(rows[1]["tasks"]) == newest["tasks"] == 12


@pytest.mark.parametrize(
    "address",
    ["trend/?statistic=x", "pairs/?criterion=x", "pairs/?order=x", "pairs/?rows=9", "pairs/?columns=0",
     "people/?order=x", "people/?after=x", "people/?order=-__class__", "people/?after=1e99999:1"],
)  # fmt: skip
def test_odd_addresses_are_refused_in_words(project: Project, address: str) -> None:
    assert "That did not work" in read(project, address, 400)


def test_the_matrix_shows_every_two_people(project: Project) -> None:
    html = read(project, "pairs/")
    (table,) = load_pairs_of_people(project=project)
    assert len(table.people) == 4
    for record in table.records():
        assert record["value"] is not None
        words = f"{record['first']} and {record['second']}: {record['value']:.0%} "
        assert html.count(words) == 4  # Seen from both, as a title and for those who hear it.
    assert "27 shared tasks" in html


def test_large_crowds_come_in_blocks() -> None:
    project = make_project(slug="weeks")
    people = judge_weeks(project, people=23, weeks=1)
    refresh_agreement_report(project=project)
    first = read(project, "pairs/?order=name&columns=2")
    names = sorted(each.pseudonym for each in people)
    assert first.count('<th scope="row">') >= 20
    assert f'<abbr title="{names[20]}">21</abbr>' in first
    assert f'<abbr title="{names[19]}">' not in first
    found = read(project, f"pairs/?person={names[22][-6:]}")
    assert found.split("<tbody>")[1].split("</tbody>")[0].count("<tr>") == 1
    assert "Nobody of the people" in read(project, "pairs/?person=nobody")


def test_pairs_without_a_shared_task_say_so(project: Project) -> None:
    detail = AgreementDetail.objects.get(project=project)
    detail.pairs = detail.pairs[1:]
    detail.save()
    assert "Undefined: they share no task." in read(project, "pairs/")
    rows = list(csv.DictReader(StringIO(read(project, "pairs/?format=csv"))))
    assert [row["value"] == "" for row in rows] == [False] * 5 + [True]


def test_everybody_stands_in_the_order_asked_for(project: Project) -> None:
    html = read(project, "people/?order=agreement")
    figures = PersonFigures.objects.filter(project=project).order_by("agreement").select_related("person")
    places = [html.index(each.person.pseudonym) for each in figures]
    assert places == sorted(places)
    for each in figures:
        assert f"{each.agreement:.1%}" in html and f"{each.accuracy:.1%}" in html
    assert 'aria-sort="ascending"' in html


def test_a_proposal_stands_in_the_table_with_its_reason(project: Project) -> None:
    person = User.objects.filter(judgments__project=project).first()
    assert person is not None
    Pause.objects.create(project=project, person=person, sentences=["Only 1 of 10 was right."])
    html = read(project, "people/")
    assert "pause proposed" in html and "Only 1 of 10 was right." in html
    rows = list(csv.DictReader(StringIO(read(project, "people/?format=csv"))))
    assert [row["why"] for row in rows if row["pause"]] == ["Only 1 of 10 was right."]
    assert len(rows) == 4


def test_the_card_of_somebody_whose_judgments_were_imported(project: Project) -> None:
    judgment = Judgment.objects.filter(project=project).first()
    assert judgment is not None
    response = client_for(project, "manager").get(f"/projects/weeks/quality/people/{judgment.annotator_id}/")
    assert response.status_code == 200
    html, record = response.content.decode(), figures_of(project=project, person=judgment.annotator_id)
    assert record is not None
    assert f"{record['agreement']['value']:.1%}" in html and f"{record['accuracy']['value']:.1%}" in html
    assert "27 judgments of normal tasks" in html
    assert "27 shared tasks" in html
    assert client_for(project, "manager").get(f"/projects/weeks/quality/people/{make_user().pk}/").status_code == 404
