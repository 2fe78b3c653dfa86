"""What the planner believes after many judgments came at once."""

from collections.abc import Iterator
from threading import Timer

import psycopg
import pytest
from django.db import connection

from annotation.models import Judgment, Project, Slot, User
from annotation.services import table_counts
from annotation.services.table_counts import recount_tables
from tests.factories import make_task

pytestmark = pytest.mark.django_db


def believed() -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = %s", [Judgment._meta.db_table])
        return cursor.fetchone()[0]


def add_judgments(project: Project, user: User, count: int) -> None:
    for _ in range(count):
        task = make_task(project)
        slot = Slot.objects.filter(task=task).first()
        assert slot is not None
        Judgment.objects.create(
            project=project, task=task, slot=slot, annotator=user, kind="ranking", tiers=[["a"], ["b"]]
        )


@pytest.fixture
def somebody_else(monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    """Has counted no judgments, and holds their table as whoever counts it does, until it commits or the test ends."""
    monkeypatch.setattr(table_counts, "FEWEST_JUDGMENTS", 10)
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as other:
        other.execute("ANALYZE annotation_judgment")
        other.commit()
        other.execute("LOCK TABLE annotation_judgment IN SHARE UPDATE EXCLUSIVE MODE")
        yield other


@pytest.fixture
def counted_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_counts, "FEWEST_JUDGMENTS", 10)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE annotation_judgment")


@pytest.mark.usefixtures("counted_empty")
def test_many_new_judgments_are_counted_once(campaign: Project, bob: User) -> None:
    before = believed()
    add_judgments(campaign, bob, 12)
    assert before == 0 or before == -1
    assert recount_tables(judgments=12)
    assert believed() == 12
    assert not recount_tables(judgments=12)
    assert not recount_tables(judgments=20)


def test_few_judgments_are_not_worth_it() -> None:
    assert not recount_tables(judgments=table_counts.FEWEST_JUDGMENTS - 1)


def test_a_table_that_somebody_else_counts_is_waited_for(
    campaign: Project, bob: User, somebody_else: psycopg.Connection
) -> None:
    add_judgments(campaign, bob, 12)
    assert recount_tables(judgments=12)
    assert believed() != 12
    done = Timer(0.2, somebody_else.commit)
    done.start()
    assert recount_tables(judgments=12, patience=60)
    done.join()
    assert believed() == 12


def test_one_that_is_held_for_long_is_passed_over_and_the_transaction_goes_on(
    campaign: Project, bob: User, somebody_else: psycopg.Connection
) -> None:
    add_judgments(campaign, bob, 12)
    assert recount_tables(judgments=12, patience=0.05)
    assert believed() != 12
    assert Judgment.objects.count() == 12
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)
