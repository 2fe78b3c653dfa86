"""Stored judgments -> the arrays that the statistics read.

Only current revisions of normal tasks count: gold, practice, test and repeat say something about one person, not about
how far people agree.
"""

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
WHERE j.project_id = %(project)s AND j.is_current AND j.kind = 'ranking' AND j.unranked = '[]'::jsonb
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
WHERE j.project_id = %(project)s AND j.is_current AND j.kind = 'ranking'
  AND (SELECT count(*) FROM annotation_taskresponse n WHERE n.task_id = j.task_id) > 2
"""

# Responses to one prompt hang together, so where each is a task of its own the bootstrap draws whole prompts.
SCORES = """
SELECT CASE WHEN j.kind = 'scalar' THEN t.prompt_id ELSE j.task_id END,
       s.response_id, j.task_id, j.annotator_id, s.value
FROM annotation_score s
JOIN annotation_judgment j ON j.id = s.judgment_id
JOIN annotation_task t ON t.id = j.task_id AND t.purpose = 'normal'
WHERE j.project_id = %(project)s AND j.is_current AND s.criterion_id = %(criterion)s
"""


def load_observations(*, project: Project) -> list[Observations]:
    """All that the agreement report of a project reads: choices and rankings first, then the criteria in their order.

    A ranking project always gives something, if only empty columns, so that its report can say what is missing.
    """
    found: list[Observations] = []
    if project.kind == FeedbackKind.RANKING:
        rankings = load_rankings(project=project)
        pairs = load_pairs(project=project)
        if len(pairs.value) or not len(rankings.rank):
            found.append(pairs)
        if len(rankings.rank):
            found.append(rankings)
    criteria = Criterion.objects.filter(project=project)
    return [*found, *(load_scores(project=project, criterion=criterion) for criterion in criteria)]


def load_pairs(*, project: Project) -> PairObservations:
    """What people chose in tasks of two responses."""
    task, annotator, value = _columns(PAIRS, 3, project=project.pk)
    return PairObservations(task, annotator, value)


def load_rankings(*, project: Project) -> RankingObservations:
    """The tier of each response in tasks of three and more."""
    task, annotator, response, rank = _columns(RANKINGS, 4, project=project.pk)
    return RankingObservations(task, annotator, response, rank)


def load_scores(*, project: Project, criterion: Criterion) -> ScoreObservations:
    """The scores on one criterion. The unit is a response of a task: shown again in another task it is another unit."""
    cluster, response, task, annotator, value = _columns(SCORES, 5, project=project.pk, criterion=criterion.pk)
    unit = np.unique(np.stack([task, response]).astype(np.int64), axis=1, return_inverse=True)[1].ravel()
    return ScoreObservations(criterion.name, cluster, unit, annotator, value.astype(np.float64))


def _columns(statement: str, width: int, **parameters: Any) -> list[Any]:
    """The columns of a result: integers where the database gives integers, else float64."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows = cursor.fetchall()
    if not rows:
        return [np.zeros(0, np.int64) for _ in range(width)]
    return [np.array(column) for column in zip(*rows, strict=True)]
