"""The pages of consensus, bias and data health show what is stored, and nothing to annotators."""

import csv
import re
from io import StringIO
from xml.etree import ElementTree

import pytest
from django.test import Client

from annotation.models import Criterion, Flag, Project, ProjectReport, Response
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
        assert f">{source['worth']:.3f}<" in html
        assert f"{source['win_share']:.0%}<" in html and f">{source['win_low']:.1%}<" in html
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


def test_every_finding_leads_to_its_rows(project: Project) -> None:
    twice = [make_task(project, text="Is this asked twice?") for _ in range(2)]
    Flag.objects.create(task=twice[0], annotator=make_user())
    report = refresh_project_report(project=project, section="data_health")
    manager = client_for(project, "manager")
    html = read(manager, "data-health")
    found = [row for check in report.content["checks"] for row in check["rows"][:2]]
    assert {row["kind"] for row in found} == {"prompt", "response", "task"}
    for row in found:
        address = f"/projects/bread/tasks/{row['task']}/"
        assert f'href="{address}"' in html
        page = manager.get(address).content.decode()
        if row["kind"] == "response":
            assert Response.objects.get(pk=row["id"]).text in page
        elif row["kind"] == "task":
            assert project.tasks.get(pk=row["id"]).external_id in page
        else:
            assert project.prompts.get(pk=row["id"]).text in page


def save(client: Client, page: str, figure: str, file_format: str) -> str:
    response = client.get(f"/projects/bread/{page}/?figure={figure}&format={file_format}")
    assert response.status_code == 200
    name = rf'attachment; filename="bread-{figure}-\d{{4}}-\d\d-\d\d\.{file_format}"'
    assert re.fullmatch(name, response["Content-Disposition"])
    return response.content.decode()


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text)))


def test_tables_carry_the_numbers_unrounded(project: Project) -> None:
    manager = client_for(project, "manager")
    sources = ProjectReport.objects.get(section="consensus").content["leaderboard"]["sources"]
    saved = read_csv(save(manager, "consensus", "sources", "csv"))
    assert {row["source"] for row in saved} == {"'=model <b>", "model-b"}
    assert [(float(row["worth"]), float(row["low"])) for row in saved] == [(e["worth"], e["low"]) for e in sources]
    bias = ProjectReport.objects.get(section="bias").content
    saved = read_csv(save(manager, "bias", "leanings", "csv"))
    assert [float(row["value"] or "nan") for row in saved] == pytest.approx(
        [float("nan") if each["value"] is None else each["value"] for each in bias["project"]], abs=0, nan_ok=True
    )
    assert [row["note"] for row in saved] == [each["note"] for each in bias["project"]]
    assert len(read_csv(save(manager, "bias", "people", "csv"))) == 6 * 3
    assert len(read_csv(save(manager, "consensus", "people", "csv"))) == 3
    assert len(read_csv(save(manager, "data-health", "checks", "csv"))) > 15


FIGURES = [("consensus", "sources"), ("bias", "leanings"), ("data-health", "checks")]


@pytest.mark.parametrize(("page", "figure"), FIGURES)
def test_a_saved_picture_stands_alone(project: Project, page: str, figure: str) -> None:
    Project.objects.filter(pk=project.pk).update(name="Bread & <butter> \x01")
    text = save(client_for(project, "manager"), page, figure, "svg")
    picture = ElementTree.fromstring(text)
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    words = " ".join(each.text or "" for each in picture.iter("{http://www.w3.org/2000/svg}text"))
    assert "Bread & <butter>" in words and re.search(r"computed \d{4}-\d\d-\d\d \d\d:\d\d UTC", words)
    assert "var(" not in text and "href" not in text and "url(" not in text and "font-family" in text
    assert picture.find("{http://www.w3.org/2000/svg}rect") is not None


def test_a_file_that_is_not_there_is_named(project: Project) -> None:
    manager = client_for(project, "manager")
    for query in ("figure=x&format=csv", "format=exe", "figure=people&format=svg"):
        response = manager.get(f"/projects/bread/consensus/?{query}")
        assert response.status_code == 404 and b"sources" in response.content


@pytest.mark.parametrize("page", PAGES.values())
def test_a_page_asks_the_database_little(project: Project, page: str, django_assert_max_num_queries: object) -> None:
    client = client_for(project, "manager")
    with django_assert_max_num_queries(12):
        read(client, page)
