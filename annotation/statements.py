"""SQL that every request runs: planned once a connection, its values bound by the server.

The object-relational mapper builds and Postgres plans each of its queries anew, which costs more than running them.
Only the few statements of the slot protocol are written this way.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import cache
from typing import Any, TypeVar

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


def columns_of(model: type[Model], alias: str) -> str:
    """All columns of a table in the order that `build_row` takes them."""
    return ", ".join(f"{alias}.{field.column}" for field in model._meta.concrete_fields)


@cache
def count_columns(model: type[Model]) -> int:
    return len(model._meta.concrete_fields)


def build_row(model: type[Row], values: Sequence[Any]) -> Row:
    """A stored row out of its columns, as the mapper would load it, though without the signals of its making."""
    names, json_places = _shape(model)
    row = model.__new__(model)
    row.__dict__.update(zip(names, values, strict=True))
    for name in json_places:
        if isinstance(row.__dict__[name], str):
            row.__dict__[name] = orjson.loads(row.__dict__[name])
    row._state = ModelState()
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return row


@cache
def _shape(model: type[Model]) -> tuple[list[str], list[str]]:
    """The names of the columns' attributes, and which of them hold JSON, which Django's connections give as text."""
    fields = model._meta.concrete_fields
    return [field.attname for field in fields], [each.attname for each in fields if isinstance(each, JSONField)]
