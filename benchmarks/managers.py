"""What managers' pages cost in a project of a hundred thousand tasks: the live board, the task table with its filters,
the adjudication queue. One command, on a database of its own:

    python benchmarks/managers.py [--tasks 100000] [--repeats 9] [--keep FOLDER]

Prints one JSON line a page: queries, and minimum, median and maximum milliseconds of the whole request through Django's
test client, first request included. `--keep` leaves the filled site in a folder, for a look at its pages.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

FILL = [
    """INSERT INTO annotation_prompt (project_id, external_id, messages, tags, metadata, created_at)
       SELECT %(project)s, 'q-' || n, jsonb_build_array(jsonb_build_object('role', 'user', 'content',
              'Question ' || n || ': how would ' || (ARRAY['a cook', 'a lawyer', 'a nurse', 'a teacher'])[1 + n %% 4]
              || ' explain word' || n %% 977 || ' to somebody who has never heard of it, and what should come first?')),
              jsonb_build_array((ARRAY['cooking', 'law', 'health', 'school'])[1 + n %% 4]), '{}', now()
       FROM generate_series(1, %(tasks)s) n""",
    """INSERT INTO annotation_response (prompt_id, key, text, source, sampling, created_at)
       SELECT p.id, k, 'Answer ' || k || ' to ' || p.external_id || '. ' ||
              repeat('People write a sentence of about this length when they answer something in full. ', 4)
              || 'reply' || p.id %% 4999, 'model-' || k, '{}', now()
       FROM annotation_prompt p, unnest(ARRAY['a', 'b', 'c']) k WHERE p.project_id = %(project)s ORDER BY p.id, k""",
    """INSERT INTO annotation_task (project_id, prompt_id, external_id, kind, state, priority, origin, created_at)
       SELECT project_id, id, external_id, 'ranking', CASE WHEN id %% 50 = 0 THEN 'paused' ELSE 'open' END,
              (id * 7919 %% 11)::float / 10, 'import', now() FROM annotation_prompt WHERE project_id = %(project)s
       ORDER BY id""",
    """INSERT INTO annotation_taskresponse (task_id, response_id, position)
       SELECT t.id, r.id, row_number() OVER (PARTITION BY t.id ORDER BY r.id) - 1
       FROM annotation_task t JOIN annotation_response r ON r.prompt_id = t.prompt_id
       WHERE t.project_id = %(project)s""",
    # A third of the tasks is complete, a third begun, a third untouched; two hundred leases are held.
    """INSERT INTO annotation_slot (project_id, task_id, number, state, priority, annotator_id, lease_token, leased_at,
                                    lease_expires_at, heartbeat_at)
       SELECT t.project_id, t.id, n, s.state, t.priority,
              CASE WHEN s.state IN ('leased', 'submitted') THEN (%(people)s::int[])[1 + (t.id + n) %% 20] END,
              CASE WHEN s.state = 'leased' THEN gen_random_uuid() END, CASE WHEN s.state = 'leased' THEN now() END,
              CASE WHEN s.state = 'leased' THEN now() + interval '10 hours' END,
              CASE WHEN s.state = 'leased' THEN now() END
       FROM annotation_task t CROSS JOIN generate_series(1, 3) n CROSS JOIN LATERAL (SELECT CASE
           WHEN t.id %% 3 = 0 OR t.id %% 3 = 1 AND n = 1 THEN 'submitted'
           WHEN t.id %% 501 = 1 AND n = 2 THEN 'leased' ELSE 'free' END AS state) s
       WHERE t.project_id = %(project)s""",
    """INSERT INTO annotation_judgment (project_id, task_id, annotator_id, slot_id, kind, revision, is_current, tiers,
           bad, unranked, scores, shown_order, rationale, active_ms, warnings, reason, guideline_version,
           idempotency_key,
           is_imported, created_at, recorded_at)
       SELECT s.project_id, s.task_id, s.annotator_id, s.id, 'ranking', 1, true,
              CASE WHEN (s.task_id * 31 + s.number * 17) %% 5 = 0 THEN '[["b"], ["a", "c"]]'::jsonb
                   ELSE '[["a"], ["b"], ["c"]]'::jsonb END, '[]', '[]', '{}', '["a", "b", "c"]', '', 41000, '[]', '', 1,
              '', false, now() - s.id * interval '0.4 seconds', now() - s.id * interval '0.4 seconds'
       FROM annotation_slot s WHERE s.project_id = %(project)s AND s.state = 'submitted'""",
    """INSERT INTO annotation_preference (judgment_id, chosen_id, rejected_id, derived_from)
       SELECT j.id, x.id, y.id, 'ranking' FROM annotation_judgment j JOIN annotation_task t ON t.id = j.task_id
       JOIN annotation_response x ON x.prompt_id = t.prompt_id JOIN annotation_response y ON y.prompt_id = t.prompt_id
       WHERE j.project_id = %(project)s AND (j.tiers -> 0) ? x.key AND NOT (j.tiers -> 0) ? y.key""",
    """INSERT INTO annotation_flag (task_id, annotator_id, reason, created_at)
       SELECT id, (%(people)s::int[])[1], 'odd', now() FROM annotation_task
       WHERE project_id = %(project)s AND id %% 400 = 0""",
    """INSERT INTO annotation_skip (task_id, annotator_id, reason, created_at)
       SELECT t.id, p, 'too long', now() FROM annotation_task t, unnest((%(people)s::int[])[1:3]) p
       WHERE project_id = %(project)s AND t.id %% 300 = 0""",
]


def fill(tasks: int) -> Any:
    """A project of that many tasks with judgments, leases, flags and skips, and its manager."""
    from django.db import connection

    from annotation.models import Membership, Project, User
    from annotation.services.reports import refresh_agreement_report
    from annotation.services.task_texts import index_task_texts

    manager = User.objects.create_user("manager", password="manager-password-1")
    project = Project.objects.create(slug="large", name="A large project", kind="ranking", created_by=manager)
    Membership.objects.create(project=project, user=manager, role="manager")
    people = [User.objects.create_user(f"person-{number:02d}") for number in range(20)]
    Membership.objects.bulk_create(Membership(project=project, user=person) for person in people)
    with connection.cursor() as cursor:
        for statement in FILL:
            cursor.execute(
                statement, {"project": project.pk, "tasks": tasks, "people": [person.pk for person in people]}
            )
    index_task_texts(limit=tasks)
    refresh_agreement_report(project=project)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return manager


def measure(client: Any, address: str, repeats: int) -> dict[str, Any]:
    """One page: its queries and the time of the whole request."""
    from django.db import connection

    queries = 0

    def count(execute: Any, *arguments: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(*arguments)

    with connection.execute_wrapper(count):
        response = client.get(address)
    if response.status_code != 200:
        sys.exit(f"{address} answered {response.status_code}")
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        client.get(address)
        seconds.append(time.perf_counter() - started)
    figures = [round(1000 * each, 1) for each in (min(seconds), statistics.median(seconds), max(seconds))]
    return {"page": address, "queries": queries, "ms": figures, "kilobytes": round(len(response.content) / 1024)}


def main() -> None:
    """Fills a site of its own and measures each page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    home = arguments.keep or Path(tempfile.mkdtemp(prefix="concord-bench-"))
    is_filled = home.exists() and any(home.iterdir())
    home.mkdir(exist_ok=True)
    home.chmod(0o711)
    for name in ("DATABASE_URL", "REDIS_URL", "CONCORD_EMBEDDED"):
        os.environ.pop(name, None)
    os.environ |= {"CONCORD_VAR": str(home), "DJANGO_SETTINGS_MODULE": "config.settings", "LOG_LEVEL": "ERROR"}
    sys.path.insert(0, str(ROOT))
    from config.services import ensure_services, release_services

    ensure_services()
    try:
        run(arguments.tasks, arguments.repeats, is_filled)
    finally:
        release_services()
        if arguments.keep is None:
            shutil.rmtree(home, ignore_errors=True)


def run(tasks: int, repeats: int, is_filled: bool) -> None:
    """Migrates, fills if needed, and prints a line a page."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    from annotation.models import User

    manager = User.objects.filter(username="manager").first() if is_filled else None
    manager = manager or fill(tasks)
    client = Client(SERVER_NAME="localhost")
    client.force_login(manager)
    for address in pages():
        print(json.dumps(measure(client, address, repeats)), flush=True)


def pages() -> list[str]:
    """What is measured: every kind of filter, and pages far down."""
    tasks = "/projects/large/tasks/"
    queries = [
        "", "?after=0.5:60000", "?order=newest", "?order=disagreement", "?order=disagreement&after=0.5:60000",
        "?state=waiting", "?state=complete", "?state=held", "?tag=law", "?tag=nothing", "?flagged=yes", "?skipped=3",
        "?disagreement=0.6", "?priority_min=0.9", "?external_id=9999", "?search=word500", "?search=people%20write",
        "?search=nowhere", "?search=word500&state=complete&tag=law",
    ]  # fmt: skip
    return ["/projects/large/board/", "/projects/large/board/live/", *(tasks + query for query in queries)]


if __name__ == "__main__":
    main()
