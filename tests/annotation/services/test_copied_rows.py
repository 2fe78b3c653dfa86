from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from annotation.models import Prompt, Task
from annotation.services.copied_rows import copy_rows, encode_value, reserve_ids
from tests.factories import make_project

pytestmark = pytest.mark.django_db
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


class CopiedTexts(TestCase):
    @given(st.lists(st.tuples(texts, st.dictionaries(texts, texts | st.integers(-(10**15), 10**15)))))
    @settings(max_examples=20)
    def test_any_text_comes_back_as_it_was(self, rows: list[tuple[str, dict[str, object]]]) -> None:
        project = make_project()
        given = [
            (project.pk, f"{number}{text}"[:200], [{"t": text}], [], data) for number, (text, data) in enumerate(rows)
        ]
        copy_rows(Prompt, ("project_id", "external_id", "messages", "tags", "metadata"), given)
        stored = project.prompts.order_by("id").values_list("project_id", "external_id", "messages", "tags", "metadata")
        assert list(stored) == given


def test_columns_that_are_not_given_get_the_fields_default() -> None:
    project = make_project()
    (pk,) = reserve_ids(Prompt, 1)
    prompt = Prompt.objects.create(pk=pk, project=project, external_id="p", messages=[])
    copy_rows(Task, ("project_id", "prompt_id", "external_id", "kind"), [(project.pk, prompt.pk, "t", "ranking")])
    task = Task.objects.get()
    other = Task(project=project, prompt=prompt, external_id="t", kind="ranking")
    names = {field.attname for field in Task._meta.concrete_fields} - {"id", "created_at"}
    assert {name: getattr(task, name) for name in names} == {name: getattr(other, name) for name in names}


def test_constraints_hold() -> None:
    project = make_project()
    rows = [(project.pk, "same", []), (project.pk, "same", [])]
    with pytest.raises(IntegrityError, match="prompt_id_once_a_project"), transaction.atomic():
        copy_rows(Prompt, ("project_id", "external_id", "messages"), rows)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "\\N"),
        ("\\N", "\\\\N"),
        ("a\tb\nc\r", "a\\tb\\nc\\r"),
        (True, "t"),
        (0.1, "0.1"),
        (Task.State.OPEN, "open"),
        ([1, "\t"], '[1,"\\\\t"]'),
        (datetime(2026, 2, 1, tzinfo=UTC), "2026-02-01T00:00:00+00:00"),
    ],
)
def test_values_are_written_as_copy_reads_them(value: object, text: str) -> None:
    assert encode_value(value) == text


def test_a_value_without_a_form_is_refused() -> None:
    with pytest.raises(TypeError, match="bytes"):
        encode_value(b"")
