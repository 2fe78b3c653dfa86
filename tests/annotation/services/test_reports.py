from datetime import timedelta

import pytest
from django.db.models import F

from annotation.agreement.report import agreement_report
from annotation.kinds.registry import parse_answer
from annotation.models import AgreementReport, Criterion, Judgment, Project, Response, Task, User
from annotation.selectors.observations import load_observations
from annotation.services.judgment_rows import build_judgment, load_sheet, save_judgment
from annotation.services.judgments import amend_judgment
from annotation.services.reports import refresh_agreement_report, refresh_stale_reports
from tests.factories import make_member, make_project, make_task, make_user, ranking

pytestmark = pytest.mark.django_db


def judge(task: Task, user: User, answer: dict[str, object]) -> Judgment:
    sheet = load_sheet(task)
    checked = parse_answer(task.kind, answer, response_keys=list(sheet.response_ids), criteria=None)
    judgment = build_judgment(checked, project=task.project, task=task, annotator=user)
    return save_judgment(judgment, checked, sheet)


def record(report: AgreementReport, statistic: str, level: str, criterion: str) -> dict[str, object]:
    (found,) = [
        row
        for row in report.statistics
        if (row["statistic"], row["level"], row["criterion"]) == (statistic, level, criterion)
    ]
    return found


def test_choices_in_stored_order_reach_the_statistics() -> None:
    """Krippendorff's alpha of 3 pairs judged twice, by hand: 4 first, 2 second; one of three units in disagreement."""
    project = make_project()
    one, two = make_user(), make_user()
    for mine, yours in ((("a", "b"), ("a", "b")), (("a", "b"), ("b", "a")), (("ab",), ("ab",))):
        task = make_task(project)
        judge(task, one, ranking(*mine))
        judge(task, two, ranking(*yours))
    report = refresh_agreement_report(project=project)
    alpha = record(report, "krippendorff_alpha", "nominal", "preference")
    # Observed 2 of 6 pairable values disagree; expected 1 - (3*2 + 1*0 + 2*1) / (6*5) = 22/30.
    assert alpha["value"] == pytest.approx(1 - (2 / 6) / (22 / 30))
    assert (report.judgments, report.annotators, report.tasks) == (6, 2, 3)


def test_scores_are_taken_by_criterion() -> None:
    project = make_project(kind="scalar")
    for name in ("clear", "safe"):
        Criterion.objects.create(project=project, name=name, label=name, required=False)
    people = [make_user(), make_user()]
    for low in (1, 3, 5):
        task = make_task(project, keys="a")
        for user in people:
            judge(task, user, {"scores": {"clear": {"a": low}, "safe": {"a": None}}})
    report = refresh_agreement_report(project=project)
    assert record(report, "krippendorff_alpha", "interval", "clear")["value"] == 1.0
    safe = record(report, "krippendorff_alpha", "interval", "safe")
    assert safe["value"] is None
    assert "overlap" in str(safe["note"])


def test_longer_rankings_are_aligned_by_response() -> None:
    project = make_project()
    people = [make_user(), make_user()]
    for _ in range(3):
        task = make_task(project, keys="abc")
        for user in people:
            judge(task, user, ranking("c", "ab"))
    report = refresh_agreement_report(project=project)
    assert record(report, "kendall_tau_b", "rank", "ranking")["value"] == 1.0


def test_only_current_revisions_count(campaign: Project, alice: User) -> None:
    member = make_member(campaign)
    tasks = [make_task(campaign) for _ in range(2)]
    first = [judge(task, member, ranking("a", "b")) for task in tasks]
    for task in tasks:
        judge(task, alice, ranking("b", "a"))
    assert refresh_agreement_report(project=campaign).judgments == 4
    amend_judgment(annotator=member, judgment_id=first[0].pk, answer=ranking("b", "a"))
    report = refresh_agreement_report(project=campaign)
    assert report.judgments == 4
    assert record(report, "pairwise_agreement", "nominal", "preference")["value"] == 0.5


def test_a_fresh_report_is_not_made_again(campaign: Project) -> None:
    task = make_task(campaign)
    judge(task, make_user(), ranking("a", "b"))
    first = refresh_agreement_report(project=campaign)
    assert refresh_agreement_report(project=campaign).pk == first.pk
    judge(task, make_user(), ranking("a", "b"))
    assert refresh_agreement_report(project=campaign).pk != first.pk


def test_an_empty_project_says_what_is_missing(campaign: Project) -> None:
    report = refresh_agreement_report(project=campaign)
    assert report.judgments == 0
    assert all(row["value"] is None and "overlap" in row["note"] for row in report.statistics)


def test_people_hard_tasks_and_simulation_are_told(campaign: Project) -> None:
    agreed, split = make_task(campaign), make_task(campaign, text="What divides people?")
    people = [make_user() for _ in range(3)] + [make_user(origin="simulated")]
    for user in people:
        judge(agreed, user, ranking("a", "b"))
    for user, tiers in zip(people, (("a", "b"), ("a", "b"), ("b", "a"), ("ab",)), strict=True):
        judge(split, user, ranking(*tiers))
    report = refresh_agreement_report(project=campaign)
    assert report.simulated_judgments == 2
    assert report.hard_tasks == [
        {"task": split.pk, "prompt": "What divides people?", "split": "2 · 1 · 1", "disagreement": pytest.approx(5 / 6)}
    ]
    shares = {row["annotator"]: (row["judgments"], row["agreement"], row["simulated"]) for row in report.people}
    assert shares[people[0].pk] == (2, pytest.approx(4 / 6), False)
    assert shares[people[3].pk] == (2, pytest.approx(3 / 6), True)


def test_scores_of_a_hard_task_are_those_of_the_response_that_splits_people() -> None:
    """A bad response beside a good one is no split; half of a short scale is wider than a third of a long one."""
    project = make_project(kind="scalar")
    Criterion.objects.create(project=project, name="long", label="Long", minimum=0, maximum=9, position=0)
    Criterion.objects.create(project=project, name="short", label="Short", minimum=1, maximum=3, position=1)
    good, bad = make_task(project, keys="a", text="Whose answer?"), make_task(project, keys="b")
    Response.objects.filter(prompt=bad.prompt).update(prompt=good.prompt)
    Task.objects.filter(pk=bad.pk).update(prompt=good.prompt)
    for user, lower in ((make_user(), 0), (make_user(), 1)):
        judge(good, user, {"scores": {"long": {"a": 9}, "short": {"a": 3}}})
        judge(bad, user, {"scores": {"long": {"b": 3 * lower}, "short": {"b": 2 - lower}}})
    (hard,) = refresh_agreement_report(project=project).hard_tasks
    assert (hard["task"], hard["prompt"], hard["split"]) == (bad.pk, "Whose answer?", "1 – 2")


def test_only_stale_reports_are_refreshed_and_not_at_once(campaign: Project) -> None:
    task = make_task(campaign)
    judge(task, make_user(), ranking("a", "b"))
    assert refresh_stale_reports() == 1
    assert refresh_stale_reports() == 0
    judge(task, make_user(), ranking("b", "a"))
    assert refresh_stale_reports() == 0  # its pause is not over
    AgreementReport.objects.update(computed_at=F("computed_at") - timedelta(minutes=1))
    assert refresh_stale_reports() == 1


def test_a_report_that_took_long_keeps_all_projects_waiting(campaign: Project) -> None:
    refresh_agreement_report(project=campaign)
    AgreementReport.objects.update(seconds=10, computed_at=F("computed_at") - timedelta(seconds=150))
    judge(make_task(make_project()), make_user(), ranking("a", "b"))
    assert refresh_stale_reports() == 0
    AgreementReport.objects.update(computed_at=F("computed_at") - timedelta(seconds=60))
    assert refresh_stale_reports() == 1


def test_rows_and_pure_statistics_agree_on_the_same_seed(campaign: Project) -> None:
    people = [make_user() for _ in range(4)]
    for number in range(6):
        task = make_task(campaign)
        for place, user in enumerate(people):
            judge(task, user, ranking("a", "b") if (number + place) % 3 else ranking("b", "a"))
    report = refresh_agreement_report(project=campaign)
    assert report.statistics == agreement_report(load_observations(project=campaign), seed=0)
