"""The database plans its queries by counts that it takes now and then; after an import they are of another time."""

from django.db import connection

from annotation.models import Judgment, Preference, Response, Score, Task, TaskResponse

FEWEST_JUDGMENTS = 1000
"""Fewer are read in no time by any plan."""
READ_FOR_REPORTS = (Judgment, Preference, Response, Score, Task, TaskResponse)
KNOWN = "SELECT reltuples FROM pg_class WHERE oid = %s::regclass"


def recount_tables(*, judgments: int) -> bool:
    """Counts anew what reports read, where the database knows of less than half as many judgments as there are.

    A table that it believes to be empty is gone through once for each row of another: a minute for 40,000 judgments.
    Tables that somebody else counts just now are passed over. Returns whether it was necessary.
    """
    if judgments < FEWEST_JUDGMENTS:
        return False
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, [Judgment._meta.db_table])
        if 2 * cursor.fetchone()[0] >= judgments:
            return False
        tables = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in READ_FOR_REPORTS)
        cursor.execute(f"ANALYZE (SKIP_LOCKED) {tables}")
    return True
