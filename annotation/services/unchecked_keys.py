"""Rows whose parents are known to be there, written without a look at each parent. See ADR 0013."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from django.db import connection, models
from psycopg.sql import SQL, Identifier


@contextmanager
def unchecked_keys() -> Iterator[bool]:
    """Inside, foreign keys aren't looked up and triggers don't run; everything else holds as ever.

    Only for rows whose parents were made in the same transaction or are held by `hold_parents`, and whoever writes
    them does what the triggers would have done. False, with nothing changed, where the database role may not ask
    for this: it takes a superuser, or GRANT SET ON PARAMETER session_replication_role. Needs a transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_parameter_privilege('session_replication_role', 'SET')")
        is_allowed = bool(cursor.fetchone()[0])
        if is_allowed:
            cursor.execute("SET LOCAL session_replication_role = replica")
        yield is_allowed  # an exception rolls back, and the setting with it
        if is_allowed:
            cursor.execute("SET LOCAL session_replication_role = origin")


def hold_parents(model: type[models.Model], ids: Collection[int]) -> int:
    """Keeps rows from being deleted until the transaction ends, as a foreign key check would; how many there are."""
    statement = SQL("SELECT FROM {} WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE")
    with connection.cursor() as cursor:
        cursor.execute(statement.format(Identifier(model._meta.db_table)), [list(ids)])
        return cursor.rowcount
