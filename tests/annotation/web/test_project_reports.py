"""The pages of consensus, bias and data health show what is stored, and nothing to annotators."""

import csv
import re
from io import StringIO
from xml.etree import ElementTree

import pytest
from django.test import Client

from annotation.models import Criterion, Project, ProjectReport, Response
from annotation.services.project_reports import refresh_project_report
from tests.annotation.services.test_project_reports import copy_with_order, judge
from tests.factories import make_member, make_project, make_task, make_user, ranking

pytestmark = pytest.mark.django_db
PAGES = {"consensus": "consensus", "bias": "bias", "data_health": "data-health"}


@pytest.fixture
def project() -> Project:
    project = make_project(slug="bread")
    Criterion.objects.create(project=project, name="clear", label="Clear", required=False)
    people = [make_user() for _ in range(3)]
    for number in range(10):
        task = make_task(project)
        for index, user in enumerate(people):
            order = ["b", "a"] if (number + index) % 4 == 0 else ["a", "b"]
            copy_with_order(judge(task, user, ranking(*order)), order)
    Response.objects.filter(key="a").update(source="=model <b>")
    for section in ProjectReport.Section.values:
        refresh_project_report(project=project, section=section)
    return project


def client_for(project: Project, role: str) -> Client:
    client = Client()
    client.force_login(make_member(project, role))
    return client


def read(client: Client, page: str, query: str = "") -> str:
    response = client.get(f"/projects/bread/{page}/{query}")
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize(("section", "page"), PAGES.items())
def test_only_managers_see_a_report(project: Project, section: str, page: str) -> None:
    assert "Computed" in read(client_for(project, "manager"), page)
    for role, status in (("reviewer", 403), ("annotator", 403)):
        assert client_for(project, role).get(f"/projects/bread/{page}/").status_code == status
    stranger = Client()
    stranger.force_login(make_user("stranger"))
    assert stranger.get(f"/projects/bread/{page}/").status_code == 404
    assert client_for(project, "manager").post(f"/projects/bread/{page}/").status_code == 405


@pytest.mark.parametrize("page", PAGES.values())
def test_a_new_project_is_told_what_will_come(page: str) -> None:
    project = make_project(slug="bread")
    assert "Nothing is computed yet" in read(client_for(project, "manager"), page)


def test_the_page_of_sources_shows_the_stored_numbers(project: Project) -> None:
    html = read(client_for(project, "manager"), "consensus")
    content = ProjectReport.objects.get(section="consensus").content
    for source in content["leaderboard"]["sources"]:
        assert f">{source['worth']:.2f}<" in html
        assert f"{source['win_share']:.0%}<" in html
    for person in content["people"]:
        assert f">{person['reliability']['value']:.2f}<" in html
    assert "=model &lt;b&gt;" in html and "<b>" not in re.sub(r"<b>[^<]*</b>", "", html.split("<main")[1])
    assert "style=" not in html.split("<main")[1]


def test_the_page_of_bias_shows_the_stored_numbers(project: Project) -> None:
    html = read(client_for(project, "manager"), "bias")
    position = next(
        e for e in ProjectReport.objects.get(section="bias").content["project"] if e["effect"] == "position"
    )
    assert f"{position['value']:.0%}" in html and position["value"] == 1.0
    assert "Choices lean: what was shown earlier wins 100% of the time" in html
    assert "no two different scores" in html


def test_data_health_links_to_tasks(project: Project) -> None:
    html = read(client_for(project, "manager"), "data-health")
    check = next(c for c in ProjectReport.objects.get(section="data_health").content["checks"] if c["rows"])
    assert f'href="/projects/bread/tasks/{check["rows"][0]["task"]}/"' in html
    assert "Responses that answer several prompts" in html


def test_tables_and_pictures_can_be_saved(project: Project) -> None:
    manager = client_for(project, "manager")
    rows = list(csv.reader(StringIO(read(manager, "consensus", "?format=csv"))))
    assert rows[0][:2] == ["source", "worth"] and {row[0] for row in rows[1:]} == {"'=model <b>", "model-b"}
    for page in ("consensus", "bias"):
        picture = ElementTree.fromstring(read(manager, page, "?format=svg"))
        names = {each.tag.split("}")[1] for each in picture}
        assert picture.tag == "{http://www.w3.org/2000/svg}svg" and {"title", "desc", "circle"} <= names
    assert len(list(csv.reader(StringIO(read(manager, "bias", "?format=csv"))))) == 1 + 6 * 4
    assert len(list(csv.reader(StringIO(read(manager, "data-health", "?format=csv"))))) > 15


@pytest.mark.parametrize("page", PAGES.values())
def test_a_page_asks_the_database_little(project: Project, page: str, django_assert_max_num_queries: object) -> None:
    client = client_for(project, "manager")
    with django_assert_max_num_queries(12):
        read(client, page)
