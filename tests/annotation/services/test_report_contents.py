"""Reports that follow the last one against reports from scratch, on real rows."""

from random import Random
from typing import Any

import pytest

from annotation.agreement import measures
from annotation.agreement.pair_sums import choose_people
from annotation.models import (
    AgreementDetail,
    AgreementReport,
    AgreementTotals,
    Criterion,
    Judgment,
    PersonFigures,
    Project,
    Task,
    User,
)
from annotation.selectors.reports import newest_judgment_id
from annotation.services import report_contents
from annotation.services.judgments import amend_judgment
from annotation.services.report_contents import compute_contents, follow_contents
from annotation.services.reports import refresh_agreement_report
from tests.annotation.services.test_reports import judge
from tests.factories import make_member, make_project, make_task, make_user, ranking

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _few_tasks_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six tasks are enough for totals here."""
    monkeypatch.setattr(measures, "FEW_TASKS", 5)


def fill(project: Project, *, keys: str = "ab", tasks: int = 8) -> tuple[list[Task], list[User]]:
    people = [make_member(project) for _ in range(4)]
    made = [make_task(project, keys=keys) for _ in range(tasks)]
    random = Random(1)
    for task in made:
        for person in people[:3]:
            judge(task, person, say(task, random))
    return made, people


def say(task: Task, random: Random) -> dict[str, Any]:
    keys = [each.response.key for each in task.task_responses.select_related("response")]
    if task.kind == "scalar":
        return {"scores": {"clear": {key: random.randint(1, 3) for key in keys}}}
    random.shuffle(keys)
    return ranking(*keys) if random.random() < 0.7 else ranking("".join(keys))


def same_as_from_scratch(report: AgreementReport) -> None:
    """Every field that a report from scratch has, to nine digits."""
    AgreementTotals.objects.all().delete()
    kept = {
        name: getattr(report, name)
        for name in ("statistics", "people", "hard_tasks", "judgments", "annotators", "tasks")
    }
    details, figures = details_of(report.project), figures_of(report.project)
    AgreementReport.objects.filter(pk=report.pk).delete()
    AgreementDetail.objects.all().delete()
    PersonFigures.objects.all().delete()
    scratch = refresh_agreement_report(project=report.project)
    assert scratch.pk != report.pk
    for name, value in kept.items():
        other = getattr(scratch, name)
        if isinstance(value, list):
            assert len(value) == len(other)
            for mine, yours in zip(value, other, strict=True):
                assert mine == {
                    key: pytest.approx(each, abs=1e-9) if isinstance(each, float) else each
                    for key, each in yours.items()
                }
        else:
            assert value == other
    near(details, details_of(report.project))
    near(figures, figures_of(report.project))


def details_of(project: Project) -> list[Any]:
    fields = ("part", "position", "criterion", "trend", "people", "pairs", "people_left_out")
    return list(AgreementDetail.objects.filter(project=project).values(*fields))


def figures_of(project: Project) -> list[Any]:
    fields = [each.name for each in PersonFigures._meta.get_fields() if each.name not in ("id", "project")]
    return list(PersonFigures.objects.filter(project=project).order_by("person").values(*fields))


def near(mine: Any, yours: Any) -> None:
    """The same all the way down, numbers to seven digits."""
    if isinstance(mine, dict):
        assert mine.keys() == yours.keys()
        mine, yours = list(mine.values()), list(yours.values())
    if isinstance(mine, list):
        assert len(mine) == len(yours)
        for one, other in zip(mine, yours, strict=True):
            near(one, other)
    else:
        assert mine == (pytest.approx(yours, abs=1e-7) if isinstance(yours, float) else yours)


def followed(project: Project) -> AgreementReport:
    """The next report, having made sure that it follows the last one."""
    last = AgreementReport.objects.filter(project=project).latest()
    assert follow_contents(project=project, last=last, newest=newest_judgment_id(project=project)) is not None
    return refresh_agreement_report(project=project)


@pytest.mark.parametrize("keys", ["ab", "abc"])
def test_rankings_are_followed(keys: str) -> None:
    project = make_project()
    tasks, people = fill(project, keys=keys)
    refresh_agreement_report(project=project)
    random = Random(2)
    for task in tasks[:2]:
        judge(task, people[3], say(task, random))
    judge(make_task(project, keys=keys), people[0], ranking(*keys))
    mine = Judgment.objects.get(task=tasks[4], annotator=people[1])
    amend_judgment(annotator=people[1], judgment_id=mine.pk, answer=ranking(*reversed(keys)))
    report = followed(project)
    assert (report.judgments, report.annotators, report.tasks) == (27, 4, 9)
    same_as_from_scratch(report)


def test_scores_of_one_prompt_are_followed_together() -> None:
    project = make_project(kind="scalar")
    Criterion.objects.create(project=project, name="clear", label="clear", required=False)
    tasks, people = fill(project, keys="a")
    refresh_agreement_report(project=project)
    judge(tasks[3], people[3], say(tasks[3], Random(3)))
    same_as_from_scratch(followed(project))


def test_several_reports_follow_each_other() -> None:
    project = make_project()
    tasks, people = fill(project)
    refresh_agreement_report(project=project)
    for number in range(3):
        judge(tasks[number], people[3], ranking("b", "a"))
        report = followed(project)
    same_as_from_scratch(report)


@pytest.mark.parametrize("keys", ["ab", "abc"])
def test_people_whose_pairs_are_kept_change(keys: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two people's pairs are kept; a third one comes to share far more than one of them."""
    monkeypatch.setitem(choose_people.__kwdefaults__, "most", 2)
    project = make_project()
    _, people = fill(project, keys=keys)
    refresh_agreement_report(project=project)
    before = AgreementDetail.objects.get(project=project).people
    late = make_task(project, keys=keys)
    for number, person in enumerate([people[2], *(make_member(project) for _ in range(9))]):
        judge(late, person, say(late, Random(number)))
    report = followed(project)
    after = AgreementDetail.objects.get(project=project)
    assert people[2].pk not in [row[0] for row in before]
    assert people[2].pk in [row[0] for row in after.people]
    assert len(after.pairs) == 1
    same_as_from_scratch(report)


def test_a_task_that_somebody_judged_alone_takes_no_figure_away() -> None:
    project = make_project()
    _, people = fill(project)
    refresh_agreement_report(project=project)
    before = PersonFigures.objects.get(project=project, person=people[0])
    judge(make_task(project), people[0], ranking("a", "b"))
    judge(make_task(project), people[3], ranking("a", "b"))
    report = followed(project)
    after = PersonFigures.objects.get(project=project, person=people[0])
    assert (after.agreement, after.agreement_low) == (before.agreement, before.agreement_low)
    assert (after.judgments, before.judgments) == (9, 8)
    assert PersonFigures.objects.get(project=project, person=people[3]).agreement is None
    same_as_from_scratch(report)


def test_gold_and_repeats_reach_the_figures_when_a_report_is_followed() -> None:
    project = make_project()
    _, people = fill(project)
    refresh_agreement_report(project=project)
    gold = make_task(project)
    Task.objects.filter(pk=gold.pk).update(gold={"tiers": [["a"], ["b"]]}, purpose="gold")
    gold.refresh_from_db()
    judge(gold, people[0], ranking("a", "b"))
    report = followed(project)
    figures = PersonFigures.objects.get(project=project, person=people[0])
    assert (figures.gold, figures.gold_count, figures.judgments) == (1.0, 1, 8)
    assert figures.agreement is not None
    same_as_from_scratch(report)


def test_a_judgment_that_came_in_late_asks_for_everything() -> None:
    """Its id was given out before the last report's newest, and committed after."""
    project = make_project()
    tasks, people = fill(project)
    last = refresh_agreement_report(project=project)
    late = judge(tasks[0], people[3], ranking("b", "a"))
    AgreementReport.objects.filter(pk=last.pk).update(newest_judgment_id=late.pk)
    AgreementTotals.objects.update(newest_judgment_id=late.pk)
    judge(tasks[1], people[3], ranking("b", "a"))
    last.refresh_from_db()
    assert follow_contents(project=project, last=last, newest=newest_judgment_id(project=project)) is None
    assert refresh_agreement_report(project=project).judgments == 26


def test_totals_of_another_version_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project()
    tasks, people = fill(project)
    last = refresh_agreement_report(project=project)
    assert AgreementTotals.objects.count() == 1
    judge(tasks[0], people[3], ranking("b", "a"))
    monkeypatch.setattr("annotation.agreement.totals_bytes.VERSION", 99)
    assert follow_contents(project=project, last=last, newest=newest_judgment_id(project=project)) is None


def test_a_flood_of_judgments_is_computed_from_scratch(monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project()
    tasks, people = fill(project)
    last = refresh_agreement_report(project=project)
    monkeypatch.setattr(report_contents, "MOST_CHANGES", 1)
    for task in tasks[:2]:
        judge(task, people[3], ranking("b", "a"))
    assert follow_contents(project=project, last=last, newest=newest_judgment_id(project=project)) is None


def test_the_first_longer_ranking_asks_for_everything() -> None:
    project = make_project()
    fill(project)
    last = refresh_agreement_report(project=project)
    judge(make_task(project, keys="abc"), make_user(), ranking("c", "a", "b"))
    assert follow_contents(project=project, last=last, newest=newest_judgment_id(project=project)) is None
    parts = {each["criterion"] for each in refresh_agreement_report(project=project).statistics}
    assert parts == {"preference", "ranking"}


def test_judgments_of_gold_tasks_change_nothing_and_leave_the_report_fresh() -> None:
    project = make_project()
    _, people = fill(project)
    last = refresh_agreement_report(project=project)
    gold = make_task(project)
    Task.objects.filter(pk=gold.pk).update(gold={"tiers": [["a"], ["b"]]}, purpose="gold")
    gold.refresh_from_db()
    judge(gold, people[0], ranking("a", "b"))
    report = followed(project)
    assert report.statistics == last.statistics
    assert refresh_agreement_report(project=project).pk == report.pk


def test_parts_know_one_and_the_same_moment() -> None:
    project = make_project()
    tasks, people = fill(project)
    newest = newest_judgment_id(project=project)
    judge(tasks[0], people[3], ranking("b", "a"))
    contents = compute_contents(project=project, newest=newest)
    assert (contents.counts.judgments, contents.known) == (24, 24)
    assert contents.pictures["preference"].records[0]["judgments"] == 24
    assert sum(person.judgments for person in contents.people) == 24
