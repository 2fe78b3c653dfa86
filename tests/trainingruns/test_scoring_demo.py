"""The demo of scoring: there at once, with work left and with judgments that agree more or less."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotation.models import AuditEvent, Judgment, Membership, Project, Score, Slot, Task, User
from annotation.services.projects import create_project
from annotation.services.reports import refresh_agreement_report
from annotation.services.slots import Lease, acquire_task
from trainingruns.models import Run
from trainingruns.services.scoring_demo import ANNOTATORS, load_scoring_demo

pytestmark = pytest.mark.django_db


def rows() -> list[int]:
    models = (Project, Membership, User, Task, Slot, Judgment, Score, AuditEvent)
    return [model.objects.count() for model in models]


def test_it_is_loaded_once_and_keeps_what_people_changed() -> None:
    project = load_scoring_demo()
    Project.objects.filter(pk=project.pk).update(name="Renamed")
    before = rows()
    again = load_scoring_demo()
    assert (again.pk, again.name, rows()) == (project.pk, "Renamed", before)


def test_whoever_signs_in_finds_every_task_open() -> None:
    project = load_scoring_demo()
    tasks = Task.objects.filter(project=project)
    assert 12 <= tasks.count() <= 20
    for task in tasks:
        assert task.slots.filter(state=Slot.State.FREE).count() >= 2
        assert task.task_responses.count() == 1
    for name in ("manager", "demo-annotator"):
        lease = acquire_task(project=project, annotator=User.objects.get(username=name))
        assert isinstance(lease, Lease)
    assert not User.objects.get(username="demo-annotator").has_usable_password()


def test_a_task_that_nobody_judged_is_left() -> None:
    project = load_scoring_demo()
    assert Task.objects.filter(project=project, slots__state=Slot.State.SUBMITTED).exists()
    assert Task.objects.filter(project=project).exclude(slots__state=Slot.State.SUBMITTED).count() >= 2


def test_every_criterion_has_a_text_for_each_point_and_one_may_not_apply() -> None:
    criteria = list(load_scoring_demo().criteria.all())
    assert [sorted(each.anchors) for each in criteria] == [["1", "2", "3", "4", "5"]] * 3
    assert [each.name for each in criteria if not each.required] == ["correctness"]
    assert None in [value for row in Judgment.objects.all() for value in row.scores["correctness"].values()]
    assert Judgment.objects.exclude(rationales={}).exists()


def test_agreement_has_numbers_with_intervals_and_a_task_to_settle() -> None:
    project = load_scoring_demo()
    report = refresh_agreement_report(project=project)
    assert (report.annotators, report.simulated_judgments) == (3, report.judgments)
    assert report.hard_tasks
    alphas = [each for each in report.statistics if each["statistic"] == "krippendorff_alpha"]
    assert {each["criterion"] for each in alphas} == {"helpfulness", "correctness", "clarity"}
    assert all(each["low"] < each["value"] < each["high"] for each in alphas)


def test_invented_judgments_are_of_simulated_people_who_cannot_sign_in() -> None:
    project = load_scoring_demo()
    people = User.objects.filter(judgments__project=project).distinct()
    assert {user.username for user in people} == set(ANNOTATORS)
    assert {(user.origin, user.is_active) for user in people} == {("simulated", False)}


def test_the_command_loads_both_demos(artifacts: Any) -> None:
    out = StringIO()
    call_command("load_demo", stdout=out)
    assert set(Project.objects.values_list("slug", "kind")) == {("demo", "ranking"), ("demo-scores", "scalar")}
    assert Run.objects.get().project.slug == "demo"
    assert "Project demo-scores: 20 responses to score." in out.getvalue()


def test_a_project_of_somebody_else_is_left_alone(artifacts: Any) -> None:
    owner = User.objects.create(username="owner", is_staff=True)
    taken = create_project(name="Mine", slug="demo-scores", kind="ranking", created_by=owner)
    with pytest.raises(CommandError, match="already a project 'demo-scores'"):
        call_command("load_demo", stdout=StringIO())
    assert [each.user for each in taken.memberships.all()] == [owner]
    assert Project.objects.filter(slug="demo").exists()
