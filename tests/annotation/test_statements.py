import pytest

from annotation.models import Prompt
from annotation.statements import Columns, fetch_row
from tests.factories import make_project, make_task

pytestmark = pytest.mark.django_db


def read(columns: Columns[Prompt], pk: int) -> Prompt:
    row = fetch_row(f"SELECT {columns.of('q')} FROM annotation_prompt q WHERE q.id = %(id)s", {"id": pk})
    assert row is not None and len(row) == len(columns)
    return columns.build(row)


def test_a_built_row_is_the_stored_one() -> None:
    stored = make_task(make_project(), text="What is it?").prompt
    stored.refresh_from_db()
    built = read(Columns(Prompt), stored.pk)
    for field in Prompt._meta.concrete_fields:
        assert getattr(built, field.attname) == getattr(stored, field.attname)
    assert built == stored and not built._state.adding


def test_what_was_left_out_comes_when_asked_for(django_assert_num_queries: object) -> None:
    stored = make_task(make_project()).prompt
    built = read(Columns(Prompt, without=["metadata", "created_at"]), stored.pk)
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert built.external_id == stored.external_id
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert built.created_at == stored.created_at


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match="Prompt has no column colour"):
        Columns(Prompt, without=["colour"])
