"""Tasks by disagreement, page by page."""

from itertools import pairwise
from typing import Any

import pytest

from annotation.exceptions import ApplicationError
from annotation.models import Criterion, CriterionSplit, Project, TaskSplit, User, Verdict
from annotation.selectors.split_tasks import MOST_PEOPLE, ORDER, PAGE_TASKS, SplitPage, split_page, things_asked
from tests.annotation.services.test_reports import judge
from tests.factories import make_project, make_task, make_user, ranking

pytestmark = pytest.mark.django_db


def fill(project: Project, tasks: int, *, steps: int = 4) -> None:
    """Tasks of which many are equally far apart."""
    made = [make_task(project) for _ in range(tasks)]
    TaskSplit.objects.bulk_create(
        TaskSplit(task=task, project=project, disagreement=(number * 7 % steps) / steps)
        for number, task in enumerate(made)
    )


def places(page: SplitPage) -> list[tuple[float, int]]:
    return [(row.disagreement, row.task.pk) for row in page.rows]


def test_pages_hold_every_task_once_in_one_stable_order(campaign: Project) -> None:
    fill(campaign, 2 * PAGE_TASKS + 3)
    seen: list[list[tuple[float, int]]] = []
    page, after = split_page(project=campaign), ""
    while True:
        seen.append(places(page))
        if page.next is None:
            break
        after = page.next
        page = split_page(project=campaign, after=after)
    whole = [place for each in seen for place in each]
    assert [len(each) for each in seen] == [PAGE_TASKS, PAGE_TASKS, 3] and page.total == len(set(whole)) == len(whole)
    assert all((-one[0], one[1]) < (-other[0], other[1]) for one, other in pairwise(whole))
    back = split_page(project=campaign, before=page.previous or "")
    assert places(back) == seen[1] and back.previous is not None
    assert split_page(project=campaign, before=back.previous).previous is None


def test_no_task_and_one_task(campaign: Project) -> None:
    assert split_page(project=campaign) == SplitPage([], None, None, 0, False)
    fill(campaign, 1)
    page = split_page(project=campaign)
    assert (len(page.rows), page.previous, page.next, page.total) == (1, None, None, 1)
    assert (page.rows[0].keys, page.rows[0].judgments) == (["a", "b"], [])


def test_a_page_costs_the_same_for_any_number_of_tasks(
    campaign: Project, django_assert_max_num_queries: Any, alice: User
) -> None:
    Criterion.objects.create(project=campaign, name="tone", label="Tone", required=False)
    fill(campaign, PAGE_TASKS + 1)
    for task in campaign.tasks.all():
        judge(task, alice, ranking("a", "b"))
    with django_assert_max_num_queries(7):
        assert len(split_page(project=campaign, asked="", unsettled=True).rows) == PAGE_TASKS


def test_of_one_criterion_or_of_the_order(campaign: Project) -> None:
    assert things_asked(project=campaign) == []
    tone = Criterion.objects.create(project=campaign, name="order", label="Order of words", required=False)
    assert things_asked(project=campaign) == [(ORDER, "The order"), ("order", "Order of words")]
    tasks = [make_task(campaign) for _ in range(3)]
    for criterion, apart in ((None, (0.1, 0.2, 0.3)), (tone, (0.5, 0.4))):
        for task, value in zip(tasks, apart, strict=False):
            CriterionSplit.objects.create(task=task, project=campaign, criterion=criterion, disagreement=value)
    ids = [task.pk for task in tasks]
    assert [pk for _, pk in places(split_page(project=campaign, asked=ORDER))] == ids[::-1]
    assert [pk for _, pk in places(split_page(project=campaign, asked="order"))] == ids[:2]
    scalar = make_project(kind="scalar")
    Criterion.objects.create(project=scalar, name="clear", label="Clear")
    assert things_asked(project=scalar) == []


def test_settled_tasks_can_be_left_out(campaign: Project, rita: User) -> None:
    fill(campaign, 3)
    first = split_page(project=campaign).rows[0].task
    Verdict.objects.create(project=campaign, task=first, reviewer=rita, outcome="unusable", reason="It is empty.")
    assert [row.task.is_settled for row in split_page(project=campaign).rows] == [True, False, False]  # type: ignore[attr-defined]
    rest = split_page(project=campaign, unsettled=True)
    assert first.pk not in {row.task.pk for row in rest.rows} and rest.total == 2


def test_only_so_many_people_stand_beside_each_other(campaign: Project) -> None:
    fill(campaign, 1)
    task = campaign.tasks.get()
    for _ in range(MOST_PEOPLE + 2):
        judge(task, make_user(), ranking("a", "b"))
    [row] = split_page(project=campaign).rows
    assert len(row.judgments) == MOST_PEOPLE and row.task.judgments_given == MOST_PEOPLE + 2  # type: ignore[attr-defined]


@pytest.mark.parametrize("asked", [{"asked": "gone"}, {"after": "x"}, {"before": "1:1:1"}, {"asked": ORDER}])
def test_what_is_not_there_is_named(campaign: Project, asked: dict[str, str]) -> None:
    with pytest.raises(ApplicationError):
        split_page(project=campaign, **asked)
