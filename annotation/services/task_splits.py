"""How far people are apart on each task, stored so that lists can be sorted by it."""

from collections.abc import Mapping, Set
from math import isfinite
from typing import Any

from django.db import connection

from annotation.models import CriterionSplit, FeedbackKind, Project
from annotation.selectors.observations import CRITERION

# Scores are compared within a prompt: what is measured there holds for each of its tasks.
MEASURED = """
SELECT t.id AS task, t.project_id AS project, v.apart
FROM unnest(%(keys)s::bigint[], %(apart)s::float8[]) AS v(key, apart)
JOIN annotation_task t ON (CASE WHEN %(by_prompt)s THEN t.prompt_id ELSE t.id END) = v.key
WHERE t.project_id = %(project)s AND t.purpose = 'normal'
"""
STORE = f"""
INSERT INTO annotation_tasksplit (task_id, project_id, disagreement)
SELECT m.task, m.project, m.apart FROM ({MEASURED}) m
ON CONFLICT (task_id) DO UPDATE SET disagreement = EXCLUDED.disagreement
WHERE annotation_tasksplit.disagreement <> EXCLUDED.disagreement
"""  # noqa: S608 - a constant
STORE_OF_CRITERION = f"""
INSERT INTO annotation_criterionsplit (task_id, project_id, criterion_id, disagreement)
SELECT m.task, m.project, %(criterion)s, m.apart FROM ({MEASURED}) m
ON CONFLICT (task_id, criterion_id) DO UPDATE SET disagreement = EXCLUDED.disagreement
WHERE annotation_criterionsplit.disagreement <> EXCLUDED.disagreement
"""  # noqa: S608 - a constant


def store_splits(*, project: Project, disagreement: Mapping[Any, float], changed: Set[int] | None = None) -> int:
    """Keeps the measured disagreement of each task (of each prompt for scores) and tells how many rows changed.

    changed: tasks (prompts) that differ from what is stored; None where any may.
    Part of a report, so it neither asks nor records. Call it inside the report's transaction.
    """
    return _execute(STORE, project, disagreement, changed)


def store_criterion_splits(
    *, project: Project, by_part: Mapping[str, Mapping[Any, float]], changed: Set[int] | None = None
) -> None:
    """The same for each part of a report, where it has more than one thing that people were asked."""
    asked: dict[int | None, dict[Any, float]] = {}
    for part, disagreement in by_part.items():
        # Choices and longer rankings are never of one task: together they are the order that people gave.
        criterion = int(part.removeprefix(CRITERION)) if part.startswith(CRITERION) else None
        asked.setdefault(criterion, {}).update(disagreement)
    if len(asked) < 2:
        CriterionSplit.objects.filter(project=project).delete()
        return
    stored = set(
        CriterionSplit.objects.filter(project=project).order_by().values_list("criterion", flat=True).distinct()
    )
    for criterion, disagreement in asked.items():
        since = changed if criterion in stored else None
        _execute(STORE_OF_CRITERION, project, disagreement, since, criterion=criterion)


def _execute(
    statement: str, project: Project, disagreement: Mapping[Any, float], changed: Set[int] | None, **more: Any
) -> int:
    keys = disagreement if changed is None else [key for key in changed if key in disagreement]
    known = {key: disagreement[key] for key in keys if isfinite(disagreement[key])}
    parameters: dict[str, Any] = {
        "keys": list(known),
        "apart": list(known.values()),
        "project": project.pk,
        "by_prompt": project.kind == FeedbackKind.SCALAR,
        **more,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.rowcount
