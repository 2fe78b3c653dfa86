"""The page of tasks by disagreement."""

import re

import pytest
from django.test import Client

from annotation.models import Criterion, Project, User
from annotation.services.reports import refresh_agreement_report
from tests.annotation.services.test_reports import judge
from tests.factories import make_task, ranking

pytestmark = pytest.mark.django_db
PATH = "/projects/campaign/agreement/tasks/"


def client_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def split(campaign: Project, bob: User, carol: User) -> Project:
    Criterion.objects.create(project=campaign, name="tone", label="Tone", required=False)
    for number, mine in enumerate(("pqr", "prq", "rqp")):
        task = make_task(campaign, "pqr", text=f"Question {number} <b>")
        judge(task, bob, ranking("p", "q", "r", scores={"tone": {"p": 4 - number, "q": 3, "r": 3}}))
        judge(task, carol, ranking(*mine, scores={"tone": {"p": 4, "q": 3, "r": 3}}))
    refresh_agreement_report(project=campaign)
    return campaign


def test_tasks_come_by_disagreement_with_ladders_and_links(split: Project, rita: User) -> None:
    html = client_of(rita).get(PATH).content.decode()
    assert re.findall(r"Question (\d) &lt;b&gt;", html) == ["2", "1", "0"]
    assert re.findall(r'<b class="apart">([\d.]+)</b>', html) == ["1.00", "0.33", "0.00"]
    for task in split.tasks.all():
        assert f'href="/projects/campaign/tasks/{task.pk}/"' in html
        assert f'href="/projects/campaign/tasks/{task.pk}/verdict/?why=disagreement"' in html
    assert html.count("Everybody&#x27;s order side by side") + html.count("Everybody's order side by side") == 3
    assert "3 tasks" in html


def test_nobody_is_named(split: Project, rita: User, bob: User) -> None:
    html = client_of(rita).get(PATH).content.decode().split("<main")[1]
    assert "Person 1" in html and bob.username not in html and bob.pseudonym not in html and "model-" not in html


def test_one_criterion_shows_its_scores_alone(split: Project, rita: User) -> None:
    html = client_of(rita).get(f"{PATH}?criterion=tone").content.decode()
    assert re.findall(r"Question (\d)", html) == ["2", "1", "0"]
    assert "order side by side" not in html and html.count("scores side by side") == 3
    html = client_of(rita).get(f"{PATH}?criterion=:order").content.decode()
    assert html.count("order side by side") == 3 and "scores side by side" not in html


def test_a_project_without_judgments_says_so(campaign: Project, rita: User) -> None:
    page = client_of(rita).get(PATH)
    assert page.status_code == 200 and b"No task has two people" in page.content


@pytest.mark.parametrize("query", ["criterion=gone", "after=x", "criterion=%00", "before=1e999:1"])
def test_bad_input_is_said_above_the_list(split: Project, rita: User, query: str) -> None:
    page = client_of(rita).get(f"{PATH}?{query}")
    assert page.status_code == 400 and b'role="alert"' in page.content and b"Question 2" in page.content


def test_reviewers_only(split: Project, bob: User, oscar: User, rita: User) -> None:
    assert client_of(bob).get(PATH).status_code == 403
    assert client_of(oscar).get(PATH).status_code == 404
    assert client_of(rita).post(PATH).status_code == 405
