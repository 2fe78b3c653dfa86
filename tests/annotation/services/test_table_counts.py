"""What the planner believes after many judgments came at once."""

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


@pytest.fixture
def counted_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_counts, "FEWEST_JUDGMENTS", 10)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE annotation_judgment")


@pytest.mark.usefixtures("counted_empty")
def test_many_new_judgments_are_counted_once(campaign: Project, bob: User) -> None:
    before = believed()
    for _ in range(12):
        task = make_task(campaign)
        slot = Slot.objects.filter(task=task).first()
        assert slot is not None
        Judgment.objects.create(
            project=campaign, task=task, slot=slot, annotator=bob, kind="ranking", tiers=[["a"], ["b"]]
        )
    assert before == 0 or before == -1
    assert recount_tables(judgments=12)
    assert believed() == 12
    assert not recount_tables(judgments=12)
    assert not recount_tables(judgments=20)


def test_few_judgments_are_not_worth_it() -> None:
    assert not recount_tables(judgments=table_counts.FEWEST_JUDGMENTS - 1)
