"""The database plans its queries by counts that it takes now and then; after an import they are of another time."""

import logging

from django.db import OperationalError, connection, transaction

from annotation.models import Judgment, Preference, Response, Score, Task, TaskResponse

FEWEST_JUDGMENTS = 1000
"""Fewer are read in no time by any plan."""
READ_FOR_REPORTS = (Judgment, Preference, Response, Score, Task, TaskResponse)
KNOWN = "SELECT reltuples FROM pg_class WHERE oid = %s::regclass"
SET_PATIENCE = "SELECT set_config('lock_timeout', %s, true)"
log = logging.getLogger(__name__)


def recount_tables(*, judgments: int, patience: float = 0.0) -> bool:
    """Counts anew what reports read, where the database knows of less than half as many judgments as there are.

    A table that it believes to be empty is gone through once for each row of another: a minute for 40,000 judgments.
    A table that somebody else counts or cleans just now is passed over after `patience` seconds; the database's own
    housekeeping gives way to whoever waits for a second. Returns whether it was necessary.
    """
    if judgments < FEWEST_JUDGMENTS:
        return False
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, [Judgment._meta.db_table])
        if 2 * cursor.fetchone()[0] >= judgments:
            return False
        for model in READ_FOR_REPORTS:
            table = connection.ops.quote_name(model._meta.db_table)
            if patience:
                _wait_and_count(table, patience)
            else:
                cursor.execute(f"ANALYZE (SKIP_LOCKED) {table}")
    return True


def _wait_and_count(table: str, patience: float) -> None:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            before = cursor.fetchone()
            cursor.execute(SET_PATIENCE, [f"{round(1000 * patience)}ms"])
            cursor.execute(f"ANALYZE {table}")
            # It would last until the end of the transaction around this one.
            cursor.execute(SET_PATIENCE, before)
    except OperationalError:
        log.info("%s was not counted: somebody else has held it for %g s", table, patience)
