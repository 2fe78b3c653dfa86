"""How far people are apart on each task, stored so that lists can be sorted by it."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from django.db import connection

from annotation.models import FeedbackKind, Project

# Scores are compared within a prompt: what is measured there holds for each of its tasks.
STORE = """
INSERT INTO annotation_tasksplit (task_id, project_id, disagreement)
SELECT t.id, t.project_id, v.apart
FROM unnest(%(keys)s::bigint[], %(apart)s::float8[]) AS v(key, apart)
JOIN annotation_task t ON (CASE WHEN %(by_prompt)s THEN t.prompt_id ELSE t.id END) = v.key
WHERE t.project_id = %(project)s AND t.purpose = 'normal'
ON CONFLICT (task_id) DO UPDATE SET disagreement = EXCLUDED.disagreement
WHERE annotation_tasksplit.disagreement <> EXCLUDED.disagreement
"""


def store_splits(*, project: Project, disagreement: Mapping[Any, float]) -> int:
    """Keeps the measured disagreement of each task (of each prompt for scores) and tells how many rows changed.

    Part of a report, so it neither asks nor records. Call it inside the report's transaction.
    """
    known = {key: apart for key, apart in disagreement.items() if isfinite(apart)}
    parameters: dict[str, list[int] | list[float] | int | bool] = {
        "keys": list(known),
        "apart": list(known.values()),
        "project": project.pk,
        "by_prompt": project.kind == FeedbackKind.SCALAR,
    }
    with connection.cursor() as cursor:
        cursor.execute(STORE, parameters)
        return cursor.rowcount
