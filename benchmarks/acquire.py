"""What one acquire costs as the queue grows: with 1,000 and 100,000 open tasks, and for whoever did half of them.

    python benchmarks/acquire.py [--tasks 100000] [--loops 400]

On a database of its own, past HTTP: times `acquire_task` alone, and submits between. Prints one JSON line a case with
the 50th and 95th percentile in milliseconds, and the 95th as a ratio to the small queue's (wanted: at most 1.5);
likewise where practice, known answers and repeats are mixed in, whose own acquires write more.
"""

import argparse
import json
import statistics
import time
from typing import Any
from uuid import uuid4

from own_database import fill_project, own_database

SMALL = 1000
WANTED = 3
GOLD = 100


def measure(project: Any, person: Any, loops: int) -> list[float]:
    """Seconds of each acquire of one person who judges what they get."""
    from annotation.services.judgments import submit_judgment
    from annotation.services.slots import Lease, acquire_task

    seconds = []
    for _ in range(loops):
        start = time.perf_counter()
        lease = acquire_task(project=project, annotator=person)
        seconds.append(time.perf_counter() - start)
        if not isinstance(lease, Lease):
            raise SystemExit(f"no work left after {len(seconds)} tasks: {lease}")
        tiers = [[key] for key in lease.shown_order]
        submit_judgment(
            annotator=person,
            task_id=lease.task.pk,
            lease_token=lease.token,
            answer={"tiers": tiers},
            idempotency_key=uuid4().hex,
        )
    return seconds


def join(project: Any, name: str) -> Any:
    """A new annotator of the project."""
    from annotation.models import Membership, User

    person = User.objects.create_user(name)
    Membership.objects.create(project=project, user=person)
    return person


def let_judge(project: Any, person: Any, tasks: int) -> None:
    """Judgments of this person on the front tasks of the queue, as if handed in one by one."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(_JUDGE, {"project": project.pk, "person": person.pk, "tasks": tasks})
        cursor.execute("VACUUM ANALYZE annotation_slot, annotation_judgment")


_JUDGE = """
WITH front AS (
    SELECT id FROM annotation_task WHERE project_id = %(project)s ORDER BY priority DESC, jitter, id LIMIT %(tasks)s
), filled AS (
    UPDATE annotation_slot s SET state = 'submitted', annotator_id = %(person)s
    FROM front WHERE s.task_id = front.id AND s.number = 1 RETURNING s.id, s.task_id
)
INSERT INTO annotation_judgment (project_id, task_id, annotator_id, slot_id, kind, revision, is_current, tiers, bad,
    unranked, scores, shown_order, rationale, rationales, warnings, reason, guideline_version, idempotency_key,
    is_imported, created_at, recorded_at)
SELECT %(project)s, task_id, %(person)s, id, 'ranking', 1, true, '[["a"], ["b"]]', '[]', '[]', '{}', '["a", "b"]', '',
    '{}', '[]', '', 1, 'front-' || id, false, now(), now()
FROM filled
"""


def mix_in(project: Any, *, gold: int) -> None:
    """Known answers on so many tasks of the queue, which come silently like repeats, and practice before all else."""
    from django.db import connection

    from annotation.models import Project

    rates = {"gold_rate": 0.1, "repeat_rate": 0.1, "repeat_after": 5, "practice_tasks": 5}
    Project.objects.filter(pk=project.pk).update(**rates)
    for purpose, tasks in (("practice", 5), ("gold", gold)):
        with connection.cursor() as cursor:
            cursor.execute(_SET_APART, {"project": project.pk, "purpose": purpose, "tasks": tasks})
    project.refresh_from_db()


_SET_APART = """
WITH apart AS (
    SELECT id FROM annotation_task WHERE project_id = %(project)s AND purpose = 'normal' ORDER BY id LIMIT %(tasks)s
), gone AS (
    DELETE FROM annotation_slot s USING apart WHERE s.task_id = apart.id
)
UPDATE annotation_task t
SET purpose = %(purpose)s, gold = '{"tiers": [["a"], ["b"]], "bad": [], "unranked": [], "scores": {}}'
FROM apart WHERE t.id = apart.id
"""


def report(case: str, seconds: list[float], base: float | None, **more: object) -> float:
    """Prints a case and gives its 95th percentile in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    line = {"case": case, "acquires": len(seconds), "p50_ms": round(cuts[49] * 1000, 2)}
    line |= {"p95_ms": round(cuts[94] * 1000, 2), **more}
    if base is not None:
        line["p95_ratio"] = round(cuts[94] * 1000 / base, 2)
    print(json.dumps(line), flush=True)
    return cuts[94] * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--loops", type=int, default=400)
    given = parser.parse_args()
    with own_database():
        from annotation.models import Project

        small = Project.objects.get(pk=fill_project("small", tasks=SMALL, wanted=WANTED))
        large = Project.objects.get(pk=fill_project("large", tasks=given.tasks, wanted=WANTED))
        warm, newcomer, veteran = join(small, "warm"), join(large, "newcomer"), join(large, "veteran")
        measure(small, warm, 50)
        base = report(f"{SMALL:,} open tasks", measure(small, join(small, "first"), given.loops), None)
        report(f"{given.tasks:,} open tasks", measure(large, newcomer, given.loops), base)
        small_mixed = Project.objects.get(pk=fill_project("small-mixed", tasks=SMALL, wanted=WANTED))
        mix_in(small_mixed, gold=GOLD)
        mix_in(large, gold=GOLD)
        special = f"practice, {GOLD} known answers and repeats"
        mixed_base = report(
            f"{SMALL:,} tasks, {special}", measure(small_mixed, join(small_mixed, "mixed"), given.loops), base
        )
        report(f"{given.tasks:,} tasks, {special}", measure(large, join(large, "mixed-large"), given.loops), mixed_base)
        Project.objects.filter(pk=large.pk).update(gold_rate=0, repeat_rate=0, practice_tasks=0)
        large.refresh_from_db()
        let_judge(large, veteran, given.tasks // 2)
        first = measure(large, veteran, 1)[0]
        seconds = measure(large, veteran, given.loops)
        report(
            f"the same, {given.tasks // 2:,} of them judged by this person",
            seconds,
            base,
            first_after_new_tasks_ms=round(first * 1000, 1),
        )


if __name__ == "__main__":
    main()
