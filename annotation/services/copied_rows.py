"""Many rows into one table by COPY, several times as fast as INSERT. Constraints and triggers hold as ever."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import orjson
from django.db import connection, models
from django.db.models import NOT_PROVIDED
from django.utils import timezone

CHUNK_ROWS = 250
"""Rows that are sent at once: the server stores them while the next ones are written out."""

RESERVE = """
SELECT array_agg(nextval((SELECT pg_get_serial_sequence(%s, 'id')::regclass))) FROM generate_series(1, %s)
"""


def copy_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Writes rows, given as plain values, as they come; see `copy_lines`."""
    copy_lines(model, columns, ("\t".join(map(encode_value, row)) for row in rows))


def copy_lines(model: type[models.Model], columns: Sequence[str], lines: Iterable[str]) -> None:
    """Writes rows as they come, each given as the values of `columns` in COPY's text form with tabs between them.

    columns: attribute names (`task_id`, not `task`) in the order of the values. Every other column gets its field's
    default, so a field that is added to a model later needs no change here; a key that isn't given comes from the
    table's sequence.
    """
    by_name = {field.attname: field for field in model._meta.concrete_fields}
    defaults = {name: _default(field) for name, field in by_name.items() if name not in columns and _is_ours(field)}
    names = ", ".join(connection.ops.quote_name(str(by_name[name].column)) for name in (*columns, *defaults))
    end = "".join(f"\t{encode_value(value)}" for value in defaults.values()) + "\n"
    lines = iter(lines)
    if not (chunk := list(islice(lines, CHUNK_ROWS))):
        return
    table = connection.ops.quote_name(model._meta.db_table)
    # Django's cursor leaves COPY to the driver, so its errors are made ours here.
    statement = f"COPY {table} ({names}) FROM STDIN"
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(statement) as copy:
        while chunk:
            copy.write(end.join(chunk) + end)
            chunk = list(islice(lines, CHUNK_ROWS))


def reserve_ids(model: type[models.Model], count: int) -> list[int]:
    """That many keys of the table's sequence; nobody else gets them."""
    with connection.cursor() as cursor:
        cursor.execute(RESERVE, [model._meta.db_table, count])
        return cursor.fetchone()[0] or []


def _is_ours(field: "models.Field[Any, Any]") -> bool:
    """Whether the ORM, not the database, fills the column."""
    return not field.primary_key and field.db_default is NOT_PROVIDED


def _default(field: "models.Field[Any, Any]") -> Any:
    """What the ORM would write where nothing is given."""
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return timezone.now()
    return field.get_default()


def encode_text(text: str) -> str:
    """Text in COPY's text form."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


def encode_json(value: Any) -> str:
    """A value as JSON in COPY's text form. JSON has no line ends or tabs of its own, only escaped ones."""
    return orjson.dumps(value).decode().replace("\\", "\\\\")


_ENCODERS: dict[type, Callable[[Any], str]] = {
    int: repr,
    float: repr,
    str: encode_text,
    bool: lambda value: "t" if value else "f",
    type(None): lambda value: "\\N",
    datetime: datetime.isoformat,
    dict: encode_json,
    list: encode_json,
    tuple: encode_json,
}


def encode_value(value: Any) -> str:
    """A value in COPY's text form; lists and mappings become JSON.

    Source: PostgreSQL manual, COPY, "Text Format".
    """
    encode = _ENCODERS.get(type(value))
    if encode is not None:
        return encode(value)
    if isinstance(value, str):  # members of an enumeration
        return encode_text(str(value))
    raise TypeError(f"no COPY form for {type(value).__name__}")
