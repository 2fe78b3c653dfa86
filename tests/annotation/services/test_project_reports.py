"""From stored judgments to consensus, bias and data health: the numbers are those of the pure functions."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from annotation.consensus.crowd import fit_crowd
from annotation.consensus.habits import POSITION, RELIABILITY
from annotation.consensus.tables import compare_texts
from annotation.jobs import refresh_report_sections
from annotation.models import Criterion, Flag, Judgment, Project, ProjectReport, Task, User
from annotation.selectors import choices
from annotation.selectors.choices import load_choices
from annotation.services import project_reports, turns
from annotation.services.project_reports import COMPUTE, TURN_SECONDS, refresh_project_report
from tests.annotation.services.test_reports import judge
from tests.factories import make_project, make_task, make_user, ranking

pytestmark = pytest.mark.django_db


def say(project: Project, orders: list[tuple[str, ...]], people: list[User], keys: str = "ab") -> list[Task]:
    tasks = [make_task(project, keys=keys) for _ in orders]
    for task, order in zip(tasks, orders, strict=True):
        for user in people:
            judge(task, user, ranking(*order))
    return tasks


def content(project: Project, section: str) -> dict[str, Any]:
    return refresh_project_report(project=project, section=section).content


def checks(project: Project) -> dict[str, dict[str, Any]]:
    return {each["check"]: each for each in content(project, "data_health")["checks"]}


def command(name: str, *arguments: str) -> str:
    out = StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue()


def test_the_report_has_the_numbers_of_the_model() -> None:
    project, people = make_project(), [make_user() for _ in range(4)]
    for number in range(8):
        task = make_task(project)
        for index, user in enumerate(people):
            turned = index == 3 or (number + index) % 5 == 0
            judge(task, user, ranking("b", "a") if turned else ranking("a", "b"))
    report = content(project, "consensus")
    fit = fit_crowd(compare_texts(load_choices(project=project))[0])
    by_person = {each["annotator"]: each for each in report["people"]}
    assert set(by_person) == {user.pk for user in people}
    for number, annotator in enumerate(fit.comparisons.annotator_ids.tolist()):
        expected = float(fit.habits.value[number, RELIABILITY])
        assert by_person[annotator]["reliability"]["value"] == pytest.approx(expected, abs=1e-12)
    assert by_person[people[3].pk]["reliability"]["value"] < by_person[people[0].pk]["reliability"]["value"]
    assert report["crowd"]["position_bias"] is None and "not known" in report["crowd"]["position_note"]
    assert [each["source"] for each in report["leaderboard"]["sources"]] == ["model-a", "model-b"]
    best = report["leaderboard"]["sources"][0]
    assert best["low"] < best["worth"] < best["high"] and best["wins"] == 20 and best["losses"] == 12


def test_texts_that_nobody_ranked_are_not_read() -> None:
    project = make_project()
    (judged,) = say(project, [("a", "b")], [make_user()])
    make_task(project)
    ids = load_choices(project=project).facts.response_id.tolist()
    assert ids == sorted(judged.task_responses.values_list("response", flat=True))


def test_a_task_that_is_ranked_between_two_statements_waits_for_the_next_report(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project, user = make_project(), make_user()
    (early,) = say(project, [("a", "b")], [user])
    known = choices._load_facts(project, choices.RANKED)
    say(project, [("b", "a")], [user])
    monkeypatch.setattr(choices, "_load_facts", lambda *_: known)
    assert load_choices(project=project).task.tolist() == [early.pk]


def test_equal_responses_are_one_and_no_vote_between_them_counts() -> None:
    project, user = make_project(), make_user()
    task = make_task(project, keys="abc")
    task.task_responses.get(position=1).response.prompt.responses.filter(key="b").update(text=" Answer a.\n")
    judge(task, user, ranking("a", "b", "c"))
    found = load_choices(project=project)
    table, dropped = compare_texts(found)
    assert (found.rankings, len(found.answer), dropped.identical) == (1, 3, 1)
    # a > c and b > c are one person's one choice between two texts, in two halves; 2/3 is the ranking's share a pair.
    assert (table.items, table.pairs, table.choices) == (2, 1, 2)
    np.testing.assert_allclose(table.weight.sum(), 2 / 3)
    assert checks(project)["equal_texts_ranked_apart"]["count"] == 1


def test_shown_orders_reach_position_bias() -> None:
    project, user = make_project(judgments_per_task=1), make_user()
    for number in range(12):
        task = make_task(project)
        # Whatever was shown first is preferred.
        order = ["a", "b"] if number % 2 else ["b", "a"]
        judgment = judge(task, user, ranking(*order))
        copy_with_order(judgment, order)
    report = content(project, "bias")
    effects = {each["effect"]: each for each in report["project"]}
    assert effects["position"]["value"] == 1.0 and effects["position"]["low"] > 0.6
    assert effects["first_seen"]["value"] == 0.5
    assert effects["ties"]["value"] == 0.0
    assert effects["length"]["value"] is None and effects["length"]["note"].startswith("Undefined")
    (person,) = report["people"]
    assert (person["annotator"], person["rankings"]) == (user.pk, 12)
    crowd = content(project, "consensus")["crowd"]
    assert crowd["position_bias"]["value"] > 0.3
    fit = fit_crowd(compare_texts(load_choices(project=project))[0])
    assert fit.habits.value[0, POSITION] > 0.3


def copy_with_order(judgment: Judgment, order: list[str]) -> None:
    """The same judgment as if it had been given on the page; rows never change, so it is a revision."""
    Judgment.objects.filter(pk=judgment.pk).update(is_current=False)
    judgment.pk, judgment.revision, judgment.shown_order, judgment.active_ms = None, 2, order, 4000
    judgment.save(force_insert=True)


def test_scores_give_severity_and_say_what_is_not_there() -> None:
    project = make_project(kind="scalar")
    for name in ("clear", "safe"):
        Criterion.objects.create(project=project, name=name, label=name, required=False, maximum=9)
    mild, harsh = make_user(), make_user()
    for value in (3, 4, 5, 6, 7, 5):
        task = make_task(project, keys="a")
        judge(task, mild, {"scores": {"clear": {"a": value + 1}}})
        judge(task, harsh, {"scores": {"clear": {"a": value - 1}}})
    clear, safe = content(project, "bias")["scores"]
    severity = {each["annotator"]: each["severity"]["value"] for each in clear["people"]}
    assert severity[mild.pk] > 0.5 > -0.5 > severity[harsh.pk]
    assert safe["people"] is None and safe["note"].startswith("Undefined")
    assert content(project, "consensus")["crowd"] is None
    assert "scores single responses" in content(project, "consensus")["notes"]["crowd"]


def test_data_health_counts_and_points_to_rows() -> None:
    project, people = make_project(), [make_user(), make_user()]
    twice = "What does yeast do in the dough while it rests overnight in the cold?"
    first, second = make_task(project, text=twice), make_task(project, text=twice.upper() + " ")
    near = make_task(project, text=twice.replace("cold", "cool"))
    first.task_responses.get(position=0).response.prompt.responses.filter(key="a").update(text="  ")
    judge(first, people[0], ranking("a", "b"))
    judge(first, people[1], ranking("b", "a"))
    judge(second, people[0], ranking("a", "b", bad=["b", "a"]))
    Flag.objects.create(task=second, annotator=people[0], reason="spam")
    found = checks(project)
    assert (found["duplicate_prompts"]["count"], found["duplicate_prompts"]["of"]) == (1, 3)
    assert found["duplicate_prompts"]["rows"][0]["task"] == second.pk
    assert [row["task"] for row in found["near_duplicate_prompts"]["rows"]] == [near.pk]
    assert [row["task"] for row in found["empty_responses"]["rows"]] == [first.pk]
    assert [row["id"] for row in found["flagged_tasks"]["rows"]] == [second.pk]
    assert [row["id"] for row in found["dead_heats"]["rows"]] == [first.pk]
    assert found["tasks_without_a_good_response"]["count"] == 1
    assert found["domains"]["count"] is None and found["domains"]["note"].startswith("Undefined")
    assert dict(found["sources"]["table"]) == {"model-a": 3, "model-b": 3}
    assert {each["dimension"] for each in found.values()} == {"clean", "consistent", "relevant", "diverse", "balanced"}


def test_circles_of_the_majority_are_found() -> None:
    project, people = make_project(), [make_user() for _ in range(3)]
    (task,) = say(project, [("a", "b", "c")], people[:1], keys="abc")
    judge(task, people[1], ranking("b", "c", "a"))
    judge(task, people[2], ranking("c", "a", "b"))
    found = checks(project)["circles"]
    assert (found["count"], found["of"], found["rows"][0]["id"]) == (1, 1, task.pk)


def test_an_empty_project_says_that_it_is_empty() -> None:
    project = make_project()
    consensus = content(project, "consensus")
    assert consensus["crowd"] is None and consensus["notes"]["crowd"].startswith("Undefined")
    assert all(each["value"] is None and each["note"] for each in content(project, "bias")["project"])
    assert checks(project)["effective_prompts"]["count"] is None
    json.dumps(content(project, "data_health"), allow_nan=False)


def test_a_fresh_report_is_kept_and_a_new_judgment_makes_another() -> None:
    project, people = make_project(), [make_user(), make_user()]
    (task,) = say(project, [("a", "b")], people[:1])
    known = refresh_project_report(project=project, section="bias")
    assert refresh_project_report(project=project, section="bias") == known
    judge(task, people[1], ranking("b", "a"))
    assert refresh_project_report(project=project, section="bias").pk > known.pk


def test_the_job_refreshes_what_is_due_and_nothing_else() -> None:
    project = make_project()
    say(project, [("a", "b")], [make_user()])
    make_project()
    assert refresh_report_sections() == 3
    assert refresh_report_sections() == 0
    assert set(ProjectReport.objects.values_list("section", flat=True)) == {"bias", "consensus", "data_health"}
    make_task(project)
    ProjectReport.objects.update(computed_at="2020-01-01T00:00:00Z")
    assert refresh_report_sections() == 3


def test_a_turn_ends_and_the_next_goes_on_with_what_waits_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project()
    say(project, [("a", "b")], [make_user()])
    clock = [0.0]
    for module in (project_reports, turns):
        monkeypatch.setattr(module, "perf_counter", lambda: clock[0])

    def take_long(*, project: Project) -> dict[str, Any]:
        clock[0] += 2 * TURN_SECONDS
        return {"checks": []}

    for section in COMPUTE:
        monkeypatch.setitem(COMPUTE, section, take_long)
    seen = []
    for _ in range(4):
        assert refresh_report_sections() == 1
        seen.append(ProjectReport.objects.latest("id").section)
        assert refresh_report_sections() == 0  # It took longer than a turn, so all wait twenty times as long.
        ProjectReport.objects.update(computed_at=F("computed_at") - timedelta(hours=1))
        make_task(project)
    assert sorted(seen[:3]) == ["bias", "consensus", "data_health"] and seen[3] == seen[0]


def test_one_odd_project_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    odd, sound = make_project(), make_project()
    for project in (odd, sound):
        say(project, [("a", "b")], [make_user()])

    def compute(*, project: Project) -> dict[str, Any]:
        if project == odd:
            raise ArithmeticError("odd")
        return {"checks": []}

    monkeypatch.setitem(COMPUTE, "data_health", compute)
    with pytest.raises(ExceptionGroup, match="could not be computed"):
        refresh_report_sections()
    assert ProjectReport.objects.filter(project=odd).count() == 2
    assert ProjectReport.objects.filter(project=sound).count() == 3


@pytest.mark.parametrize("section", ["consensus", "bias", "data_health"])
def test_commands_print_what_is_stored(section: str) -> None:
    project = make_project()
    say(project, [("a", "b"), ("ab",)], [make_user(), make_user()])
    printed = json.loads(command(section, project.slug, "--json"))
    assert printed == ProjectReport.objects.get(project=project, section=section).content
    assert len(command(section, project.slug).splitlines()) > 3
    with pytest.raises(CommandError, match="no project 'gone'"):
        command(section, "gone")


def test_gold_and_practice_say_nothing_about_what_people_think() -> None:
    project, user = make_project(), make_user()
    task = make_task(project, purpose="practice", gold=ranking("a", "b"))
    judge(task, user, ranking("a", "b"))
    assert load_choices(project=project).rankings == 0
