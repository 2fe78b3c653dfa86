"""Rows of an import are the same whether the database looks up their keys or the import vouches for them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from annotation.allocation import spread
from annotation.importers.concord import read_prompts
from annotation.models import Project, Score, Slot, Task, TaskText, WorkQueue
from annotation.services.importing import import_prompts
from annotation.services.unchecked_keys import unchecked_keys
from tests.factories import make_project

pytestmark = pytest.mark.django_db

FOREIGN_KEYS = """
SELECT c.conrelid::regclass::text, a.attname, c.confrelid::regclass::text, k.attname
FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
    JOIN pg_attribute k ON k.attrelid = c.confrelid AND k.attnum = c.confkey[1]
WHERE c.contype = 'f' AND c.conrelid::regclass::text LIKE 'annotation\\_%'
"""


@contextmanager
def plain_role() -> Iterator[None]:
    """What is done inside is done by a role that may write rows and nothing else."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE concord_plain")
        cursor.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO concord_plain")
        cursor.execute("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO concord_plain")
        cursor.execute("SET LOCAL ROLE concord_plain")
        yield
        cursor.execute("RESET ROLE")


@contextmanager
def owner() -> Iterator[None]:
    yield


def lines() -> list[dict[str, Any]]:
    responses = [{"id": key, "text": f"Answer {key}\t\\ \n"} for key in "abc"]
    said = [
        {"annotator": f"rater{number}", "tiers": [["a"], ["b", "c"]], "scores": {"help": {"a": number}}}
        for number in (1, 2)
    ]
    rows = [
        {"external_id": f"q-{number}", "kind": "ranking", "prompt": "Why?", "responses": responses}
        for number in range(40)
    ]
    rows[3]["judgments"], rows[4]["gold"] = said, {"tiers": [["a"], ["b"], ["c"]]}
    return rows


def import_lines(project: Project) -> None:
    prompts = read_prompts([json.dumps(row).encode() for row in lines()])
    import_prompts(project=project, prompts=prompts, actor=None, infer_criteria=True)


def orphans() -> list[tuple[str, str]]:
    """Foreign keys of the schema that lead nowhere."""
    with connection.cursor() as cursor:
        cursor.execute(FOREIGN_KEYS)
        keys = cursor.fetchall()
        assert len(keys) > 40
        found = []
        for table, column, parent, key in keys:
            cursor.execute(
                f"SELECT EXISTS (SELECT FROM {table} c WHERE c.{column} IS NOT NULL "
                f"AND NOT EXISTS (SELECT FROM {parent} p WHERE p.{key} = c.{column}))"
            )
            found += [(table, column)] if cursor.fetchone()[0] else []
    return found


@pytest.mark.parametrize("role", [owner, plain_role])
def test_rows_are_complete_whoever_looks_up_the_keys(role: Any) -> None:
    project = make_project(judgments_per_task=3)
    before = WorkQueue.objects.filter(project=project).values_list("epoch", flat=True).first() or 0
    with role():
        with unchecked_keys() as is_unchecked:
            assert is_unchecked == (role is owner)
        import_lines(project)
    assert orphans() == []
    assert Slot.objects.filter(project=project).count() == 39 * 3
    assert Score.objects.count() == 2
    assert TaskText.objects.filter(project=project, words=None).count() == 40
    assert WorkQueue.objects.get(project=project).epoch > before


@pytest.mark.parametrize("role", [owner, plain_role])
def test_tasks_wait_in_an_order_that_the_file_does_not_decide(role: Any) -> None:
    project = make_project()
    with role():
        import_lines(project)
    waiting = list(
        Slot.objects.filter(project=project, state="free", number=1).order_by("jitter").select_related("task")
    )
    names = [slot.task.external_id for slot in waiting]
    assert names == sorted(names, key=spread)
    assert names != [row["external_id"] for row in lines() if row["external_id"] in names]
    assert all(slot.jitter == slot.task.jitter for slot in Slot.objects.select_related("task"))
    assert all(task.jitter == spread(task.external_id) for task in Task.objects.all())
