"""Stored judgments -> the arrays that the statistics read.

Only current revisions of normal tasks count: gold, practice, test and repeat say something about one person, not about
how far people agree.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection

from annotation.agreement.observations import Observations, PairObservations, RankingObservations, ScoreObservations
from annotation.models import Criterion, FeedbackKind, Project

# A strict choice between two responses has exactly one preference row, a tie has none.
PAIRS = """
SELECT j.task_id, j.annotator_id, CASE WHEN p.id IS NULL THEN 1 WHEN p.chosen_id = o.response_id THEN 0 ELSE 2 END
FROM annotation_judgment j
JOIN annotation_task t ON t.id = j.task_id AND t.purpose = 'normal'
JOIN annotation_taskresponse o ON o.task_id = j.task_id AND o.position = 0
LEFT JOIN annotation_preference p ON p.judgment_id = j.id
WHERE j.project_id = %(project)s AND {current} {among} AND j.kind = 'ranking' AND j.unranked = '[]'::jsonb
  AND (SELECT count(*) FROM annotation_taskresponse n WHERE n.task_id = j.task_id) = 2
"""

RANKINGS = """
SELECT j.task_id, j.annotator_id, o.response_id, tier.rank
FROM annotation_judgment j
JOIN annotation_task t ON t.id = j.task_id AND t.purpose = 'normal'
CROSS JOIN LATERAL jsonb_array_elements(j.tiers) WITH ORDINALITY AS tier(keys, rank)
CROSS JOIN LATERAL jsonb_array_elements_text(tier.keys) AS placed(response_key)
JOIN annotation_taskresponse o ON o.task_id = j.task_id
JOIN annotation_response r ON r.id = o.response_id AND r.key = placed.response_key
WHERE j.project_id = %(project)s AND {current} {among} AND j.kind = 'ranking'
  AND (SELECT count(*) FROM annotation_taskresponse n WHERE n.task_id = j.task_id) > 2
"""

# Responses to one prompt hang together, so where each is a task of its own the bootstrap draws whole prompts.
SCORES = """
SELECT CASE WHEN j.kind = 'scalar' THEN t.prompt_id ELSE j.task_id END,
       s.response_id, j.task_id, j.annotator_id, s.value
FROM annotation_score s
JOIN annotation_judgment j ON j.id = s.judgment_id
JOIN annotation_task t ON t.id = j.task_id AND t.purpose = 'normal'
WHERE j.project_id = %(project)s AND {current} {among} AND s.criterion_id = %(criterion)s
"""


# What was current when a judgment was the newest follows from the revisions, which are never changed.
AT_PRESENT = "j.is_current"
AS_OF = """j.id <= %(newest)s AND NOT EXISTS (
    SELECT 1 FROM annotation_judgment n WHERE n.supersedes_id = j.id AND n.id <= %(newest)s)"""
OF_TASKS = "AND j.task_id = ANY(%(tasks)s)"
PREFERENCE, RANKING, CRITERION = "preference", "ranking", "criterion "
"""Parts of a report; the last is followed by the criterion's id."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which judgments to look at."""

    tasks: list[int] | None = None
    """Of these tasks only."""
    newest: int | None = None
    """As they were when this id was the newest."""


EVERYTHING = Scope()


def load_observations(*, project: Project) -> list[Observations]:
    """All that the agreement report of a project reads: choices and rankings, then the criteria in their order."""
    return list(load_by_part(project=project).values())


def load_by_part(*, project: Project, scope: Scope = EVERYTHING) -> dict[str, Observations]:
    """The same by part of the report.

    A ranking project always gives something, if only empty columns, so that its report can say what is missing.
    """
    found = {part: load_part(project=project, part=part, scope=scope) for part in report_parts(project=project)}
    if RANKING in found:
        pairs, rankings = len(found[PREFERENCE].annotator_id), len(found[RANKING].annotator_id)
        gone = PREFERENCE if rankings and not pairs else RANKING if not rankings else None
        found = {part: each for part, each in found.items() if part != gone}
    return found


def report_parts(*, project: Project) -> list[str]:
    """What a report of the project may have parts about."""
    ranked = [PREFERENCE, RANKING] if project.kind == FeedbackKind.RANKING else []
    criteria = Criterion.objects.filter(project=project).values_list("pk", flat=True)
    return [*ranked, *(f"{CRITERION}{key}" for key in criteria)]


def load_part(*, project: Project, part: str, scope: Scope = EVERYTHING) -> Observations:
    """The observations behind one part."""
    if part == PREFERENCE:
        return load_pairs(project=project, scope=scope)
    if part == RANKING:
        return load_rankings(project=project, scope=scope)
    criterion = Criterion.objects.get(project=project, pk=int(part.removeprefix(CRITERION)))
    return load_scores(project=project, criterion=criterion, scope=scope)


def load_pairs(*, project: Project, scope: Scope = EVERYTHING) -> PairObservations:
    """What people chose in tasks of two responses."""
    task, annotator, value = _columns(PAIRS, 3, scope, project=project.pk)
    return PairObservations(task, annotator, value)


def load_rankings(*, project: Project, scope: Scope = EVERYTHING) -> RankingObservations:
    """The tier of each response in tasks of three and more."""
    task, annotator, response, rank = _columns(RANKINGS, 4, scope, project=project.pk)
    return RankingObservations(task, annotator, response, rank)


def load_scores(*, project: Project, criterion: Criterion, scope: Scope = EVERYTHING) -> ScoreObservations:
    """The scores on one criterion. The unit is a response of a task: shown again in another task it is another unit."""
    cluster, response, task, annotator, value = _columns(SCORES, 5, scope, project=project.pk, criterion=criterion.pk)
    # One number for both: ids of tasks and responses are far below 2^31, and a unit's number must not depend on others.
    unit = task.astype(np.int64) << 32 | response.astype(np.int64)
    return ScoreObservations(criterion.name, cluster, unit, annotator, value.astype(np.float64))


def _columns(statement: str, width: int, scope: Scope, **parameters: Any) -> list[Any]:
    """The columns of a result: integers where the database gives integers, else float64."""
    text = statement.format(
        current=AT_PRESENT if scope.newest is None else AS_OF, among="" if scope.tasks is None else OF_TASKS
    )
    with connection.cursor() as cursor:
        cursor.execute(text, {**parameters, "newest": scope.newest, "tasks": scope.tasks})
        rows = cursor.fetchall()
    if not rows:
        return [np.zeros(0, np.int64) for _ in range(width)]
    return [np.array(column) for column in zip(*rows, strict=True)]
