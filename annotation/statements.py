"""SQL that every request runs: planned once a connection, its values bound by the server.

The object-relational mapper builds and Postgres plans each of its queries anew, which costs more than running them.
Only the few statements of the slot protocol are written this way.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

import orjson
import psycopg
from django.db import connection
from django.db.models import JSONField, Model

Row = TypeVar("Row", bound=Model)
Values = Mapping[str, Any] | Sequence[Any]


def fetch_row(statement: str, values: Values) -> tuple[Any, ...] | None:
    """The first row that a statement gives, None without any. Raises: django.db.Error."""
    if connection.queries_logged:
        # Somebody counts the queries: take the way on which Django sees them.
        with connection.cursor() as counted:
            counted.execute(statement, values)
            return counted.fetchone()
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, values, prepare=True)
        return cursor.fetchone()


def columns_of(model: type[Model], alias: str) -> str:
    """All columns of a table in the order that `build_row` takes them."""
    return ", ".join(f"{alias}.{field.column}" for field in model._meta.concrete_fields)


@cache
def count_columns(model: type[Model]) -> int:
    return len(model._meta.concrete_fields)


def build_row(model: type[Row], values: Sequence[Any]) -> Row:
    """A stored row out of its columns, as the mapper would load it."""
    names, json_places = _shape(model)
    loaded = list(values)
    for place in json_places:
        if isinstance(loaded[place], str):
            loaded[place] = orjson.loads(loaded[place])
    return model.from_db("default", names, loaded)


@cache
def _shape(model: type[Model]) -> tuple[list[str], list[int]]:
    """The names of the columns' attributes, and which of them hold JSON, which Django's connections give as text."""
    fields = model._meta.concrete_fields
    places = [place for place, field in enumerate(fields) if isinstance(field, JSONField)]
    return [field.attname for field in fields], places
