from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation.exceptions import ApplicationError
from annotation.models import Flag, Judgment, Project, Skip, User
from annotation.selectors.own_work import PAGE_ROWS, own_work
from annotation.services.judgments import amend_judgment
from tests.annotation.selectors.test_work import judge_next
from tests.factories import make_task, ranking

pytestmark = pytest.mark.django_db

DAY = "2026-01-01T00:00:00+00:00"


def walk(user: User, shown: str = "all") -> list[list[int]]:
    """The task ids of every page, from the first to the last."""
    pages, after = [], ""
    while True:
        page = own_work(user=user, shown=shown, after=after)
        pages.append([row.task.pk for row in page.rows])
        if page.older is None:
            return pages
        after = page.older


def make_judgments(project: Project, annotator: User, count: int, *, at_once: bool = False) -> list[Judgment]:
    now = timezone.now()
    return Judgment.objects.bulk_create(
        Judgment(
            project=project, task=make_task(project), annotator=annotator, kind="ranking", tiers=[["a"], ["b"]],
            created_at=now if at_once else now + timedelta(seconds=number),
        )
        for number in range(count)
    )  # fmt: skip


@pytest.mark.parametrize("at_once", [False, True])
def test_pages_hold_everything_once_and_lead_back(campaign: Project, bob: User, at_once: bool) -> None:
    made = [each.task_id for each in make_judgments(campaign, bob, 2 * PAGE_ROWS + 2, at_once=at_once)]
    pages = walk(bob)
    assert [len(page) for page in pages] == [PAGE_ROWS, PAGE_ROWS, 2]
    assert list(chain.from_iterable(pages)) == made[::-1]
    last = own_work(user=bob, after=own_work(user=bob, after=own_work(user=bob).older or "").older or "")
    back = own_work(user=bob, before=last.newer or "")
    assert [row.task.pk for row in back.rows] == pages[1]
    assert [row.task.pk for row in own_work(user=bob, before=back.newer or "").rows] == pages[0]
    assert own_work(user=bob, before=back.newer or "").newer is None


def test_each_list_has_what_it_is_named_for(campaign: Project, bob: User, carol: User) -> None:
    tasks = [make_task(campaign, priority=-number) for number in range(5)]
    first, second = judge_next(campaign, bob), judge_next(campaign, bob)
    judge_next(campaign, carol)
    amend_judgment(annotator=bob, judgment_id=first.pk, answer=ranking("b", "a"))
    for task in (tasks[1], tasks[2]):
        Flag.objects.create(task=task, annotator=bob, reason="odd")
    Flag.objects.create(task=tasks[0], annotator=carol)
    Skip.objects.create(task=tasks[3], annotator=bob, reason="no idea")
    assert walk(bob) == [[tasks[0].pk, tasks[1].pk]]
    assert walk(bob, "edited") == [[tasks[0].pk]]
    assert walk(bob, "flagged") == [[tasks[2].pk, tasks[1].pk]]
    assert walk(bob, "skipped") == [[tasks[3].pk]]
    flagged = own_work(user=bob, shown="flagged").rows
    assert [(row.judgment, row.reason) for row in flagged] == [(None, "odd"), (second, "odd")]
    assert [row.is_flagged for row in own_work(user=bob).rows] == [False, True]
    assert own_work(user=carol, shown="skipped").rows == []


@pytest.mark.parametrize(("shown", "queries"), [("all", 1), ("edited", 1), ("flagged", 2), ("skipped", 1)])
def test_a_page_costs_the_same_however_many_there_are(
    campaign: Project, bob: User, shown: str, queries: int, django_assert_num_queries: Any
) -> None:
    tasks = [make_task(campaign) for _ in range(PAGE_ROWS + 1)]
    for model in (Flag, Skip):
        model.objects.bulk_create(model(task=task, annotator=bob) for task in tasks)
    judgments = make_judgments(campaign, bob, PAGE_ROWS + 1)
    Flag.objects.create(task=judgments[-1].task, annotator=bob)
    if shown == "edited":
        for judgment in judgments:
            amend_judgment(annotator=bob, judgment_id=judgment.pk, answer=ranking("b", "a"))
    with django_assert_num_queries(queries):
        page = own_work(user=bob, shown=shown)
        assert len([row.task.prompt.text + row.task.project.name for row in page.rows]) == PAGE_ROWS
    assert page.older is not None


@pytest.mark.parametrize("shown", ["all", "edited"])
def test_the_database_reads_a_page_of_many_from_an_index(campaign: Project, bob: User, shown: str) -> None:
    """Of 20,000 judgments it reads some tens, wherever in the list the page lies: no sort, no walk from the start."""
    make_task(campaign)
    tasks = [make_task(campaign) for _ in range(3)]
    now = timezone.now()
    Judgment.objects.bulk_create(
        Judgment(
            project=campaign, task=tasks[number % 3], annotator=bob, kind="ranking", revision=number + 2,
            is_current=False, created_at=now - timedelta(seconds=number),
        )
        for number in range(20_000)
    )  # fmt: skip
    with connection.cursor() as cursor:
        # One current judgment a task is enough for people; here it is in the way of having many cheaply.
        cursor.execute("DROP INDEX judgment_one_current")
        cursor.execute("UPDATE annotation_judgment SET is_current = true")
        cursor.execute("ANALYZE annotation_judgment")
    place = f"{(now - timedelta(seconds=15_000)).isoformat()}~1"
    plan = explain(bob, shown, place)
    assert rows_read(plan) < 200, plan


def explain(user: User, shown: str, after: str) -> Any:
    with CaptureQueriesContext(connection) as captured:
        own_work(user=user, shown=shown, after=after)
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + captured[0]["sql"])
        return cursor.fetchone()[0][0]["Plan"]


def rows_read(plan: Any) -> float:
    """Rows of judgments that the plan touched, those it threw away included."""
    own = 0
    if plan.get("Relation Name") == "annotation_judgment":
        own = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return own + sum(rows_read(child) for child in plan.get("Plans", []))


@pytest.mark.parametrize(
    "place", ["x", "~", "2026-01-01~1", "2026-01-01T00:00:00+00:00~x", "2026-01-01T00:00:00+00:00~-1"]
)
def test_a_place_that_is_none_is_refused(bob: User, place: str) -> None:
    with pytest.raises(ApplicationError):
        own_work(user=bob, after=place)


def test_an_unknown_list_is_refused_by_name(bob: User) -> None:
    with pytest.raises(ApplicationError, match="nonsense"):
        own_work(user=bob, shown="nonsense")
