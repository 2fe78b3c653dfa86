"""A database of a measurement's own: real Postgres in a temporary folder, migrated, gone at the end."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def own_database() -> Iterator[Path]:
    """Django set up on an empty database; gives the folder that holds it."""
    sys.path.insert(0, str(ROOT))
    home = Path(tempfile.mkdtemp(prefix="concord-bench-"))
    home.chmod(0o711)  # the user that Postgres runs under must be able to pass through
    for name in ("DATABASE_URL", "REDIS_URL", "CONCORD_EMBEDDED"):
        os.environ.pop(name, None)
    os.environ |= {"CONCORD_VAR": str(home), "CONCORD_MODE": "local", "LOG_LEVEL": "WARNING"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    from config.services import ensure_services, release_services

    ensure_services()
    try:
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        yield home
    finally:
        release_services()
        shutil.rmtree(home, ignore_errors=True)


def fill_project(slug: str, *, tasks: int, wanted: int) -> int:
    """The id of a new ranking project with so many tasks of two responses, written by the database itself."""
    from django.db import connection

    from annotation.models import Project

    project = Project.objects.create(slug=slug, name=slug, kind="ranking", judgments_per_task=wanted)
    with connection.cursor() as cursor:
        for statement in _FILL:
            cursor.execute(statement, {"project": project.pk, "tasks": tasks, "wanted": wanted})
        cursor.execute("ANALYZE")
    return project.pk


_FILL = (
    """
    INSERT INTO annotation_prompt (project_id, external_id, messages, tags, metadata, created_at)
    SELECT %(project)s, 'q-' || n, jsonb_build_array(jsonb_build_object('role', 'user', 'content', n || '?')),
           '[]', '{}', now()
    FROM generate_series(1, %(tasks)s) n
    """,
    """
    INSERT INTO annotation_response (prompt_id, key, text, source, sampling, created_at)
    SELECT p.id, k.key, repeat('A sentence of some length, as people write them. ', 10), 'model-' || k.key, '{}', now()
    FROM annotation_prompt p CROSS JOIN (VALUES ('a'), ('b')) AS k(key) WHERE p.project_id = %(project)s
    """,
    """
    INSERT INTO annotation_task (project_id, prompt_id, external_id, kind, state, priority, jitter, origin, created_at)
    SELECT %(project)s, p.id, p.external_id, 'ranking', 'open', (p.id * 7919 %% 1000) / 1000.0, random(),
           'import', now()
    FROM annotation_prompt p WHERE p.project_id = %(project)s
    """,
    """
    INSERT INTO annotation_taskresponse (task_id, response_id, position)
    SELECT t.id, r.id, CASE r.key WHEN 'a' THEN 0 ELSE 1 END
    FROM annotation_task t JOIN annotation_response r ON r.prompt_id = t.prompt_id WHERE t.project_id = %(project)s
    """,
    """
    INSERT INTO annotation_slot (project_id, task_id, number, state, priority)
    SELECT t.project_id, t.id, n, 'free', t.priority
    FROM annotation_task t CROSS JOIN generate_series(1, %(wanted)s) n WHERE t.project_id = %(project)s
    """,
)
