"""How many rows acquire and submit look at: no more for whoever did much, even before there are any statistics."""

import pytest
from django.db import connection

from annotation.models import Project, User
from annotation.services.judgments import submit_judgment
from annotation.services.slots import Lease, acquire_task
from tests.factories import make_task

pytestmark = pytest.mark.django_db

MANY = 40
FEW = 30
"""More than at first: the person's last few rankings, and the front of the queue."""


@pytest.fixture(autouse=True)
def never_counted() -> None:
    """Forgets what tests before this one left: files as long as all that they took back, and what the server counted.

    No rollback undoes either, and plans depend on both.
    """
    tables = [name for name in connection.introspection.table_names() if name.startswith("annotation_")]
    with connection.cursor() as cursor:
        # New files, until this test is taken back itself.
        cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
        cursor.execute("DELETE FROM pg_statistic WHERE starelid IN (SELECT relid FROM pg_stat_user_tables)")
        cursor.execute(
            "UPDATE pg_class SET reltuples = -1, relpages = 0"
            " WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace"
        )


def rows_read(table: str) -> int:
    """Rows of a table that this transaction looked at so far."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq_tup_read + COALESCE(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = %s", [table]
        )
        return int(cursor.fetchone()[0])


def judge_one(project: Project, person: User, key: str) -> None:
    lease = acquire_task(project=project, annotator=person)
    assert isinstance(lease, Lease)
    answer = {"tiers": [[letter] for letter in lease.shown_order]}
    submit_judgment(
        annotator=person, task_id=lease.task.pk, lease_token=lease.token, answer=answer, idempotency_key=key
    )


@pytest.mark.parametrize("table", ["annotation_judgment", "annotation_slot"])
def test_a_loop_reads_few_rows_however_much_the_person_did(campaign: Project, bob: User, table: str) -> None:
    for number in range(MANY + 1):
        make_task(campaign, external_id=f"q-{number}")
    reads = []
    for number in range(MANY + 1):
        before = rows_read(table)
        judge_one(campaign, bob, f"key-{number}")
        reads.append(rows_read(table) - before)
    assert reads[-1] - reads[0] <= FEW, reads
