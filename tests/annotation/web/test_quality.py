from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from annotation.models import Criterion, Pause, Project, Slot, Task, User
from annotation.services.pauses import pause_person, review_person
from tests.annotation.services.test_special_tasks import WRONG, answer, known_task, work
from tests.factories import make_member, make_project, make_task


@pytest.fixture
def project(db: None) -> Project:
    return make_project(slug="q", gold_rate=0.5)


def as_person(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def boss(project: Project) -> User:
    return make_member(project, "manager", "boss")


@pytest.fixture
def bob(project: Project) -> User:
    """Somebody who got ten gold tasks wrong."""
    from annotation.services.special_tasks import lease_special_slot

    bob = make_member(project, "annotator", "bob")
    make_task(project)
    for _ in range(10):
        known_task(project, "gold")
        assert isinstance(lease_special_slot(project=project, annotator=bob, luck=0.0), Slot)
        answer(work(project, bob), bob, WRONG)
    review_person(project=project, person=bob)
    return bob


PAGES = ["quality/", "quality/settings/", "quality/tasks/", "quality/people/{bob}/", "tasks/{task}/purpose/"]


@pytest.mark.parametrize("address", PAGES)
def test_who_may_see_what(project: Project, boss: User, bob: User, address: str) -> None:
    path = "/projects/q/" + address.format(bob=bob.pk, task=Task.objects.latest("id").pk)
    assert as_person(boss).get(path).status_code == 200
    assert as_person(bob).get(path).status_code == 403
    assert as_person(make_member(make_project())).get(path).status_code == 404
    assert as_person(boss).delete(path).status_code == 405


def test_a_manager_sees_figures_and_accepts_and_lifts(project: Project, boss: User, bob: User) -> None:
    client = as_person(boss)
    for path in ("/projects/q/quality/", f"/projects/q/quality/people/{bob.pk}/"):
        text = client.get(path).content.decode()
        assert "0–28%, of 10" in text
        assert "Of 10 tasks with a known answer 0% was right (95% interval 0% to 28%)" in text
    decide = f"/projects/q/quality/people/{bob.pk}/decide/"
    client.post(decide, {"decision": "accept", "note": "Read the part about sources."})
    assert Pause.objects.get().state == "accepted"
    page = as_person(bob).get("/").content.decode()
    assert "They write: Read the part about sources." in page
    assert "Start ranking" not in page
    client.post(decide, {"decision": "lift"})
    assert Pause.objects.get().state == "lifted"
    assert "Start ranking" in as_person(bob).get("/").content.decode()
    answered = client.post(decide, {"decision": "accept"}, follow=True)
    assert "nothing to decide" in answered.content.decode()
    assert as_person(bob).post(decide, {"decision": "pause"}).status_code == 403


def test_a_manager_pauses_without_a_proposal(project: Project, boss: User) -> None:
    carol = make_member(project, "annotator", "carol")
    as_person(boss).post(f"/projects/q/quality/people/{carol.pk}/decide/", {"decision": "pause"})
    assert Pause.objects.get().person == carol


def test_own_figures_are_on_ones_own_page_alone(project: Project, bob: User) -> None:
    assert "Of 10 tasks whose answer is known you had 0% right" in as_person(bob).get("/").content.decode()
    assert "whose answer is known" not in as_person(make_member(project)).get("/").content.decode()


def test_rates_are_set_and_wrong_ones_are_named(project: Project, boss: User) -> None:
    client, path = as_person(boss), "/projects/q/quality/settings/"
    values = {
        "practice_tasks": 3, "qualification_tasks": 0, "pass_mark": 0.7, "qualification_attempts": 1,
        "qualification_level": 1, "gold_rate": 0.1, "gold_tolerance": 0.2, "repeat_rate": 0.05, "repeat_after": 9,
    }  # fmt: skip
    assert client.post(path, values).status_code == 302
    project.refresh_from_db()
    assert (project.practice_tasks, project.gold_rate, project.repeat_after) == (3, 0.1, 9)
    refused = client.post(path, {**values, "gold_rate": 0.6})
    assert refused.status_code == 400
    assert "less than or equal to 0.5" in refused.content.decode()


def test_a_task_is_made_practice_by_ranks(project: Project, boss: User) -> None:
    task = make_task(project, "abc")
    client, path = as_person(boss), f"/projects/q/tasks/{task.pk}/purpose/"
    form = {"purpose": "practice", "explanation": "*b* is short.", "rank_0": 2, "rank_1": 1, "rank_2": 2}
    assert client.post(path, form).status_code == 302
    task.refresh_from_db()
    assert (task.purpose, task.gold["tiers"]) == ("practice", [["b"], ["a", "c"]])
    assert task.gold["rationale"] == "*b* is short."
    shown = client.get(path).content.decode()
    assert 'name="rank_1" value="1"' in shown
    refused = client.post(path, {"purpose": "gold", "explanation": ""})
    assert refused.status_code == 400
    assert "nothing is ranked" in refused.content.decode()
    assert "practice" in client.get("/projects/q/quality/tasks/?purpose=practice").content.decode()
    assert client.post(path, {"purpose": "normal"}).status_code == 302
    task.refresh_from_db()
    assert task.gold is None


def test_a_task_is_made_gold_by_scores(db: None) -> None:
    project = make_project(slug="s", kind="scalar")
    Criterion.objects.create(project=project, name="help", label="Help")
    boss, task = make_member(project, "manager"), make_task(project, "r")
    path = f"/projects/s/tasks/{task.pk}/purpose/"
    assert as_person(boss).post(path, {"purpose": "gold", "score_help": 9}).status_code == 400
    assert as_person(boss).post(path, {"purpose": "gold", "score_help": 4}).status_code == 302
    task.refresh_from_db()
    assert task.gold["scores"] == {"help": {"r": 4.0}}


@pytest.mark.parametrize("address", ["?after=%00", "tasks/?after=x", "tasks/?purpose=%00", "?after=zzz"])
def test_odd_queries_do_no_harm(project: Project, boss: User, address: str) -> None:
    assert as_person(boss).get(f"/projects/q/quality/{address}").status_code == 200


def test_lists_cost_the_same_at_any_length(project: Project, boss: User, django_assert_max_num_queries: Any) -> None:
    for _ in range(60):
        make_member(project), known_task(project, "gold")
    client = as_person(boss)
    for path in ("quality/", "quality/tasks/"):
        with django_assert_max_num_queries(24):
            text = client.get(f"/projects/q/{path}").content.decode()
        assert "Next" in text


def test_the_command_tells_machines_and_people(project: Project, bob: User, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("quality", "q", "--json")
    call_command("quality", "q")
    told = capsys.readouterr().out
    assert '"reasons_to_pause": ["Of 10 tasks' in told
    assert "gold 0% (0% to 28%, of 10)" in told


def test_an_own_pause_is_kind_without_a_note(project: Project, boss: User) -> None:
    carol = make_member(project, "annotator", "carol")
    pause_person(project=project, person=carol, actor=boss)
    assert "no verdict on you" in as_person(carol).get("/").content.decode()
