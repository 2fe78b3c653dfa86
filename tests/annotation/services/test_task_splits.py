"""What is stored of how far people are apart, by task and by what they were asked."""

import pytest

from annotation.models import Criterion, CriterionSplit, Project, TaskSplit, User
from annotation.services.reports import refresh_agreement_report
from tests.annotation.services.test_reports import judge
from tests.factories import make_project, make_task, make_user, ranking

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> list[User]:
    return [make_user(), make_user()]


def stored(project: Project) -> dict[tuple[str, str | None], float]:
    rows = CriterionSplit.objects.filter(project=project)
    found = rows.values_list("task__external_id", "criterion__name", "disagreement")
    return {(task, criterion): round(apart, 6) for task, criterion, apart in found}


def test_order_and_each_criterion_are_kept_apart(people: list[User]) -> None:
    project = make_project()
    Criterion.objects.create(project=project, name="tone", label="Tone", required=False)
    pair, three = make_task(project, external_id="pair"), make_task(project, "abc", external_id="three")
    for number, user in enumerate(people):
        judge(pair, user, ranking("a", "b", scores={"tone": {"a": 1 + 4 * number, "b": 3}}))
        judge(three, user, ranking(*("abc" if number else "acb"), scores={"tone": {"a": 2, "b": 2, "c": 2}}))
    refresh_agreement_report(project=project)
    assert stored(project) == {
        ("pair", None): 0.0, ("three", None): round(1 / 3, 6), ("pair", "tone"): 0.5, ("three", "tone"): 0.0,
    }  # fmt: skip
    assert dict(TaskSplit.objects.values_list("task__external_id", "disagreement")) == {
        "pair": 0.5, "three": pytest.approx(1 / 3),
    }  # fmt: skip


def test_what_is_asked_later_is_added_and_new_judgments_are_followed(people: list[User]) -> None:
    project = make_project()
    task = make_task(project, external_id="q")
    for user in people:
        judge(task, user, ranking("a", "b"))
    refresh_agreement_report(project=project)
    assert stored(project) == {}, "one thing that was asked is the task's own number"
    Criterion.objects.create(project=project, name="tone", label="Tone", required=False)
    later = make_task(project, external_id="later")
    for number, user in enumerate(people):
        judge(later, user, ranking("a", "b", scores={"tone": {"a": 1 + number, "b": 1}}))
    refresh_agreement_report(project=project)
    assert stored(project) == {("q", None): 0.0, ("later", None): 0.0, ("later", "tone"): 0.5}
    judge(later, make_user(), ranking("b", "a", scores={"tone": {"a": 2, "b": 1}}))
    refresh_agreement_report(project=project)
    assert stored(project)["later", None] == round(2 / 3, 6)
