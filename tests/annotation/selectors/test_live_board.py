from typing import Any

import pytest
from django.core.cache import cache
from django.db.models import Count
from django.db.models.functions import TruncHour
from redis.exceptions import ConnectionError as RedisConnectionError

from annotation.models import Flag, Judgment, Project, User
from annotation.selectors.live_board import live_board, task_counts
from annotation.services.slots import acquire_task
from tests.annotation.selectors.test_boards import judge_next
from tests.factories import make_task

pytestmark = pytest.mark.django_db


def test_the_board_tells_who_does_what(campaign: Project, bob: User, carol: User) -> None:
    for number in range(4):
        make_task(campaign, external_id=f"q-{number}")
    make_task(campaign, external_id="later", state="paused")
    make_task(campaign, external_id="gone", state="archived")
    make_task(campaign, external_id="skipped", state="held")
    for person in (bob, carol, bob):
        judge_next(campaign, person)
    acquire_task(project=campaign, annotator=carol)
    Flag.objects.create(task=campaign.tasks.get(external_id="q-3"), annotator=bob)
    board = live_board(project=campaign)
    counts = board.counts
    assert (counts.waiting, counts.in_progress, counts.complete, counts.paused, counts.archived) == (2, 1, 1, 1, 1)
    assert (counts.held, counts.tasks, counts.given, counts.wanted) == (1, 4, 3, 5)
    assert [(slot.annotator.username, slot.task.external_id) for slot in board.leases if slot.annotator] == [
        ("carol", "q-1")
    ]
    assert (board.lease_count, board.last_hour, board.last_day) == (1, 3, 3)
    # The clock may strike between two of them.
    arrived = Judgment.objects.annotate(hour=TruncHour("recorded_at")).values_list("hour").annotate(count=Count("id"))
    assert {hour.start: hour.judgments for hour in board.hours if hour.judgments} == dict(arrived)
    assert [(worker.username, worker.judgments) for worker in board.workers] == [("bob", 2), ("carol", 1)]
    assert (board.flags, board.kept_answers) == (1, 0)
    assert board.at_this_pace is not None


def test_an_empty_project_has_a_board(campaign: Project) -> None:
    board = live_board(project=campaign)
    assert (board.counts.tasks, board.lease_count, board.last_day, board.workers) == (0, 0, 0, [])
    assert len(board.hours) == 25


def test_the_board_costs_seven_queries_however_many_are_at_work(
    campaign: Project, bob: User, carol: User, django_assert_num_queries: Any
) -> None:
    for _ in range(3):
        make_task(campaign)
    acquire_task(project=campaign, annotator=bob)
    acquire_task(project=campaign, annotator=carol)
    with django_assert_num_queries(7):
        assert len([slot.task.prompt.text for slot in live_board(project=campaign).leases]) == 2


def test_counts_of_a_large_project_are_kept_for_a_while(
    campaign: Project, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr("annotation.selectors.live_board.KEPT_TIMES", 10**7)
    make_task(campaign)
    first = task_counts(project=campaign)
    make_task(campaign)
    with django_assert_num_queries(0):
        assert task_counts(project=campaign) == first
    cache.clear()
    assert task_counts(project=campaign).waiting == 2


def test_counts_come_without_a_cache_too(campaign: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise RedisConnectionError("gone")

    monkeypatch.setattr("annotation.selectors.live_board.KEPT_TIMES", 10**7)
    monkeypatch.setattr(cache, "get", refuse)
    monkeypatch.setattr(cache, "set", refuse)
    make_task(campaign)
    assert task_counts(project=campaign).waiting == 1
