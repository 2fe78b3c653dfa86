from itertools import pairwise
from typing import Any

import pytest

from annotation.exceptions import ApplicationError
from annotation.models import Flag, Project, Skip, TaskSplit, User
from annotation.selectors.task_filters import STATES, TaskFilters
from annotation.selectors.task_table import PAGE_ROWS, TaskPage, task_table
from annotation.services.reports import refresh_agreement_report
from annotation.services.task_texts import index_task_texts
from tests.annotation.selectors.test_boards import busy as busy
from tests.annotation.selectors.test_boards import judge_next
from tests.factories import make_project, make_task

pytestmark = pytest.mark.django_db


def ids(project: Project, order: str = "priority", **filters: Any) -> list[str]:
    table = task_table(project=project, filters=TaskFilters.read(filters), order=order)
    return [row.external_id for row in table.rows]


def test_tasks_are_filtered_by_state(busy: Project, bob: User) -> None:
    Flag.objects.create(task=busy.tasks.get(external_id="q-1"), annotator=bob)
    make_task(busy, external_id="passed-by", state="held")
    by_state = {state: ids(busy, state=state) for state in STATES}
    assert by_state == {
        "open": ["q-0", "q-1", "q-2", "q-3"],
        "waiting": ["q-2", "q-3"],
        "in_progress": ["q-1"],
        "complete": ["q-0"],
        "paused": ["later"],
        "archived": [],
        "held": ["passed-by"],
        "flagged": ["q-1"],
    }


def test_words_are_found_in_prompt_and_responses_once_indexed(campaign: Project) -> None:
    task = make_task(campaign, external_id="sky", text="Why is the sky blue?")
    task.prompt.responses.filter(key="a").update(text="Rayleigh scattering; 散乱のため")
    make_task(campaign, external_id="other", text="Another thing")
    table = task_table(project=campaign, filters=TaskFilters(search="sky"))
    assert (table.rows, table.unsearchable) == ([], 2)
    assert index_task_texts() == 2
    assert index_task_texts() == 0
    for words in ("SKY", "blu sky", "rayl", "散乱", "why scatt"):
        assert ids(campaign, search=words) == ["sky"], words
    for words in ("sky thing", "ky", "乱散", "'); drop", "%"):
        assert ids(campaign, search=words) == [], words


def test_further_filters(campaign: Project, bob: User, carol: User) -> None:
    first = make_task(campaign, external_id="first", priority=2, origin="run:1")
    first.prompt.tags = ["law", "hard"]
    first.prompt.save()
    second = make_task(campaign, external_id="second_%", priority=1)
    Flag.objects.create(task=second, annotator=bob)
    for person in (bob, carol):
        Skip.objects.create(task=first, annotator=person)
    Skip.objects.create(task=second, annotator=bob)
    for filters, expected in (
        ({"tag": "law"}, ["first"]), ({"tag": "la"}, []), ({"flagged": "yes"}, ["second_%"]),
        ({"flagged": "no"}, ["first"]),
        ({"skipped": "1"}, ["first", "second_%"]), ({"skipped": "2"}, ["first"]), ({"priority_min": "1.5"}, ["first"]),
        ({"priority_max": "1"}, ["second_%"]), ({"external_id": "_%"}, ["second_%"]), ({"origin": "run:1"}, ["first"]),
        ({"tag": "law", "flagged": "yes"}, []), ({"purpose": "gold"}, []), ({"skill": "french"}, []),
    ):  # fmt: skip
        assert ids(campaign, **filters) == expected, filters


def test_disagreement_sorts_and_filters(campaign: Project, bob: User, carol: User) -> None:
    for number in range(3):
        make_task(campaign, external_id=f"q-{number}")
    judge_next(campaign, bob)
    judge_next(campaign, carol)
    refresh_agreement_report(project=campaign)
    assert list(TaskSplit.objects.values_list("task__external_id", "disagreement")) == [("q-0", 0.0)]
    for external_id, apart in (("q-1", 0.9), ("q-2", 0.4)):
        TaskSplit.objects.create(task=campaign.tasks.get(external_id=external_id), project=campaign, disagreement=apart)
    assert ids(campaign, order="disagreement") == ["q-1", "q-2", "q-0"]
    assert ids(campaign, disagreement="0.4") == ["q-1", "q-2"]


@pytest.mark.parametrize(
    "filters",
    [
        {"annotator__password": "x"}, {"state": "gone"}, {"skipped": "-1"}, {"skipped": "²"}, {"disagreement": "nan"},
        {"priority_min": "1e999"}, {"flagged": "maybe"}, {"search": "\0"}, {"tag": "x" * 501}, {"purpose": "fun"},
    ],
)  # fmt: skip
def test_bad_filters_are_named(filters: dict[str, str]) -> None:
    with pytest.raises(ApplicationError) as caught:
        TaskFilters.read(filters)
    assert caught.value.extra["field"] == next(iter(filters))
    assert caught.value.message.isprintable()


def test_filters_survive_a_round_trip() -> None:
    given = {"state": "held", "flagged": "no", "skipped": 2, "priority_min": 0.0, "search": "a b"}
    assert TaskFilters.read(TaskFilters.read(given).as_mapping()) == TaskFilters.read(given)


@pytest.mark.parametrize("order", ["priority", "disagreement", "newest"])
def test_pages_walk_every_row_once_forwards_and_back(
    order: str, campaign: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annotation.selectors.task_table.PAGE_ROWS", 3)
    tasks = [make_task(campaign, priority=number // 4 + 0.1) for number in range(11)]
    TaskSplit.objects.bulk_create(
        TaskSplit(task=task, project=campaign, disagreement=task.priority / 3) for task in tasks
    )
    pages = [task_table(project=campaign, order=order)]
    while pages[-1].next:
        pages.append(task_table(project=campaign, order=order, after=pages[-1].next))
    shown = [[row.pk for row in page.rows] for page in pages]
    everything = [pk for page in shown for pk in page]
    keys = {task.pk: (-task.pk if order == "newest" else -task.priority, task.pk) for task in tasks}
    assert everything == sorted(keys, key=lambda pk: keys[pk])
    assert (pages[0].previous, pages[-1].next, [len(page) for page in shown]) == (None, None, [3, 3, 3, 2])
    for earlier, later in pairwise(pages):
        back = task_table(project=campaign, order=order, before=later.previous or "")
        assert rows_of(back) == rows_of(earlier)
        assert (back.previous is None) == (earlier.previous is None)


def rows_of(page: TaskPage) -> list[int]:
    return [row.pk for row in page.rows]


def test_a_place_that_is_none_is_refused(campaign: Project) -> None:
    for place in ("x", "1:2:3", "1;2", ":", "nan:1", "1:" + "9" * 30, "-:1", "1.1.1:1"):
        with pytest.raises(ApplicationError, match="no place"):
            task_table(project=campaign, after=place)
    with pytest.raises(ApplicationError, match="No such order"):
        task_table(project=campaign, order="password")


def test_rows_tell_how_far_each_task_is(busy: Project) -> None:
    rows = {row.external_id: row for row in task_table(project=busy).rows}
    found = [(rows[name].judgments_given, rows[name].judgments_wanted) for name in ("q-0", "q-1", "q-2")]  # type: ignore[attr-defined]
    assert found == [(2, 2), (1, 2), (0, 2)]


def test_pages_cost_at_most_four_queries(campaign: Project, django_assert_num_queries: Any) -> None:
    for _ in range(PAGE_ROWS + 3):
        make_task(campaign)
    with django_assert_num_queries(3):
        first = task_table(project=campaign)
        assert [str(row.prompt) for row in first.rows] == [row.external_id for row in first.rows]
    assert (len(first.rows), first.total, first.total_is_capped) == (50, 53, False)
    with django_assert_num_queries(4):
        second = task_table(project=campaign, after=first.next or "")
    assert (len(second.rows), second.next) == (3, None)


def test_counting_stops_at_the_cap(campaign: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("annotation.selectors.task_table.MOST_COUNTED", 2)
    for _ in range(4):
        make_task(campaign)
    table = task_table(project=campaign)
    assert (len(table.rows), table.total, table.total_is_capped) == (4, 2, True)


def test_an_empty_project_and_a_strangers_tasks(campaign: Project) -> None:
    make_task(make_project())
    assert (task_table(project=campaign).rows, task_table(project=campaign, order="newest").next) == ([], None)
