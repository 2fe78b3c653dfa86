"""A project with a million judgments by 5,000 people in the database, and how long its report takes.

`benchmarks/agreement.py database` runs it on a site of its own, in the site's own shell.
"""

import json
import resource
import time

from django.db import connection, transaction

from annotation.models import AgreementDetail, AgreementReport, AgreementTotals, Judgment, PersonFigures, Project
from annotation.services.reports import refresh_agreement_report

TASKS, EACH, PEOPLE = 200_000, 5, 5000
# As an import would leave them; a vote follows from hashes of the task and the vote's number, so that a truth shows.
FILL = """
INSERT INTO annotation_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active,
                             date_joined, pseudonym, origin)
SELECT '!', false, 'load-' || n, '', '', '', false, false, now(), 'load-' || n, 'imported'
FROM generate_series(1, {people}) n;
INSERT INTO annotation_prompt (project_id, external_id, messages, tags, metadata, created_at)
SELECT {project}, n::text, '[{{"role": "user", "content": "?"}}]', '[]', '{{}}', now()
FROM generate_series(1, {tasks}) n;
INSERT INTO annotation_response (prompt_id, key, text, source, sampling, created_at)
SELECT p.id, k, k, '', '{{}}', now() FROM annotation_prompt p, unnest(ARRAY['a', 'b']) k WHERE p.project_id = {project};
INSERT INTO annotation_task (project_id, prompt_id, external_id, kind, state, priority, origin, created_at)
SELECT {project}, id, external_id, 'ranking', 'open', 0, 'import', now()
FROM annotation_prompt WHERE project_id = {project};
INSERT INTO annotation_taskresponse (task_id, response_id, position)
SELECT t.id, r.id, CASE r.key WHEN 'a' THEN 0 ELSE 1 END
FROM annotation_task t JOIN annotation_response r ON r.prompt_id = t.prompt_id WHERE t.project_id = {project};
ANALYZE;
"""
JUDGE = """
WITH people AS (
    SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM annotation_user WHERE username LIKE 'load-%%'
),
wanted AS (
    SELECT t.id AS task_id, (t.id * 37 + n * 1009) %% %(people)s AS place, n,
           abs(hashint8(t.id)) %% 100 AS truth, abs(hashint8(t.id * 131 + n)) %% 100 AS luck
    FROM annotation_task t, generate_series(%(first)s, %(last)s) n
    WHERE t.project_id = %(project)s AND t.id <= %(newest_task)s
),
said AS (
    SELECT w.task_id, p.id AS annotator_id, CASE WHEN luck < 60 THEN truth ELSE luck * 7 %% 100 END AS mark
    FROM wanted w JOIN people p USING (place)
)
INSERT INTO annotation_judgment (project_id, task_id, annotator_id, kind, revision, is_current, tiers, bad, unranked,
    scores, shown_order, rationale, active_ms, warnings, reason, guideline_version, idempotency_key, is_imported,
    created_at, recorded_at)
SELECT %(project)s, task_id, annotator_id, 'ranking', 1, true,
    CASE WHEN mark < 42 THEN '[["a"], ["b"]]'::jsonb WHEN mark < 58 THEN '[["a", "b"]]' ELSE '[["b"], ["a"]]' END,
    '[]', '[]', '{}', '[]', '', 9000 + mark * 100, '[]', '', 1, '', true, now(), now()
FROM said
"""
PREFER = """
INSERT INTO annotation_preference (judgment_id, chosen_id, rejected_id, derived_from)
SELECT j.id, c.response_id, r.response_id, 'ranking'
FROM annotation_judgment j
JOIN annotation_taskresponse c ON c.task_id = j.task_id
    AND c.position = CASE WHEN j.tiers = '[["a"], ["b"]]' THEN 0 WHEN j.tiers = '[["b"], ["a"]]' THEN 1 END
JOIN annotation_taskresponse r ON r.task_id = j.task_id AND r.position = 1 - c.position
WHERE j.project_id = %(project)s AND j.id > %(newest)s
"""


def measure() -> None:
    """Prints one JSON line for each report."""
    project = Project.objects.create(slug="million", name="A million judgments", kind="ranking")
    with connection.cursor() as cursor:
        cursor.execute(FILL.format(project=project.pk, people=PEOPLE, tasks=TASKS))
    judge(project, first=1, last=EACH, newest_task=10**12)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    report(project, "full report of stored rows")
    oldest = project.tasks.order_by("pk").values_list("pk", flat=True)[99]
    for number in range(3):
        judge(project, first=EACH + 1 + number, last=EACH + 1 + number, newest_task=oldest)
        last = report(project, "report after 100 new judgments")
    followed = numbers(last)
    AgreementTotals.objects.filter(project=project).delete()
    PersonFigures.objects.filter(project=project).delete()
    AgreementReport.objects.filter(pk=last.pk).delete()
    compare(followed, numbers(report(project, "the same from scratch")))


def judge(project: Project, *, first: int, last: int, newest_task: int) -> None:
    newest = Judgment.objects.filter(project=project).order_by("-pk").values_list("pk", flat=True).first() or 0
    parameters = {"project": project.pk, "people": PEOPLE, "first": first, "last": last, "newest_task": newest_task}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(JUDGE, parameters)
        cursor.execute(PREFER, {"project": project.pk, "newest": newest})


def report(project: Project, name: str) -> AgreementReport:
    start = time.perf_counter()
    made = refresh_agreement_report(project=project)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = {
        "judgments": made.judgments,
        "annotators": made.annotators,
        "seconds": round(time.perf_counter() - start, 2),
    }
    print(json.dumps({"measurement": name, **figures, "peak_mib": round(peak)}), flush=True)
    return made


def numbers(made: AgreementReport) -> list[float]:
    """Every value and interval: of statistics, weeks, pairs and people."""
    (detail,) = AgreementDetail.objects.filter(project=made.project)
    ends = ("value", "low", "high")
    fields = [f"{name}{end}" for name in ("agreement", "accuracy") for end in ("", "_low", "_high")]
    people = PersonFigures.objects.filter(project=made.project).order_by("person_id").values_list(*fields)
    rows = [[each[end] for end in ends] for each in [*made.statistics, *detail.trend]]
    rows += [pair[2:5] for pair in detail.pairs]
    return [number for row in [*rows, *people] for number in row if number is not None]


def compare(followed: list[float], scratch: list[float]) -> None:
    """Prints the largest difference between any two numbers of the reports."""
    furthest = max(abs(one - other) for one, other in zip(followed, scratch, strict=True))
    found = {"numbers": len(followed), "difference": furthest}
    print(json.dumps({"measurement": "largest difference of followed and from scratch", **found}))
