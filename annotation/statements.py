"""SQL that every request runs: planned once a connection, its values bound by the server.

The object-relational mapper builds and Postgres plans each of its queries anew, which costs more than running them.
Only the few statements of the slot protocol are written this way.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Generic, TypeVar

import orjson
import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.models import JSONField, Model
from django.db.models.base import ModelState

Row = TypeVar("Row", bound=Model)
Values = Mapping[str, Any] | Sequence[Any]


def fetch_row(statement: str, values: Values) -> tuple[Any, ...] | None:
    """The first row that a statement gives, None without any. Raises: django.db.Error."""
    wrapper = connections[DEFAULT_DB_ALIAS]
    if wrapper.queries_logged:
        # Somebody counts the queries: take the way on which Django sees them.
        with wrapper.cursor() as counted:
            counted.execute(statement, values)
            return counted.fetchone()
    wrapper.ensure_connection()
    wrapper.validate_no_broken_transaction()
    with wrapper.wrap_database_errors, psycopg.Cursor(wrapper.connection) as cursor:
        cursor.execute(statement, values, prepare=True)
        return cursor.fetchone()


def write_row(statement: str, values: Values) -> tuple[Any, ...] | None:
    """`fetch_row` for a statement that writes: a transaction of its own, or a savepoint of the one that is open.

    The savepoint lets the outer transaction go on after an error. Raises: django.db.Error.
    """
    with transaction.atomic() if connection.in_atomic_block else nullcontext():
        return fetch_row(statement, values)


class Columns(Generic[Row]):
    """Columns of a table as a statement reads them, and the stored rows that they make."""

    def __init__(self, model: type[Row], *, without: Collection[str] = ()) -> None:
        """without: attributes that are rarely asked for; a row fetches each by itself when it is.

        Raises: ValueError if the model has no such attribute.
        """
        known = {field.attname for field in model._meta.concrete_fields}
        if unknown := set(without) - known:
            raise ValueError(f"{model.__name__} has no column {', '.join(sorted(unknown))}")
        fields = [field for field in model._meta.concrete_fields if field.attname not in without]
        self._model = model
        self._columns = [str(field.column) for field in fields]
        self._names = [field.attname for field in fields]
        # Django's connections give JSON as text.
        self._json = [field.attname for field in fields if isinstance(field, JSONField)]

    def __len__(self) -> int:
        return len(self._names)

    def of(self, alias: str) -> str:
        """For a SELECT, in the order that `build` takes them."""
        return ", ".join(f"{alias}.{column}" for column in self._columns)

    def build(self, values: Sequence[Any]) -> Row:
        """A stored row out of its columns, as the mapper would load it, though without the signals of its making."""
        row = self._model.__new__(self._model)
        row.__dict__.update(zip(self._names, values, strict=True))
        for name in self._json:
            if isinstance(row.__dict__[name], str):
                row.__dict__[name] = orjson.loads(row.__dict__[name])
        row._state = ModelState()
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
        return row
