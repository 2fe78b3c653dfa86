"""Stored judgments -> the week of each task."""

import numpy as np
from django.db import connection

from annotation.agreement.trend import Weeks
from annotation.models import Project
from annotation.selectors.observations import AS_OF, AT_PRESENT, OF_TASKS, Scope

# Of scalar tasks the prompt's, as in the observations. Weeks are those of ISO 8601, in UTC whoever reads them.
WEEKS = """
SELECT CASE WHEN j.kind = 'scalar' THEN t.prompt_id ELSE j.task_id END AS drawn,
       date_trunc('week', max(j.created_at) AT TIME ZONE 'UTC')::date - DATE '1970-01-01'
FROM annotation_judgment j JOIN annotation_task t ON t.id = j.task_id AND t.purpose = 'normal'
WHERE j.project_id = %(project)s AND {current} {among}
GROUP BY drawn ORDER BY drawn
"""


def load_weeks(*, project: Project, scope: Scope) -> Weeks:
    """The week in which each task got its last judgment."""
    statement = WEEKS.format(
        current=AT_PRESENT if scope.newest is None else AS_OF, among="" if scope.tasks is None else OF_TASKS
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, {"project": project.pk, "newest": scope.newest, "tasks": scope.tasks})
        rows = np.array(cursor.fetchall(), np.int64).reshape(-1, 2)
    return Weeks(rows[:, 0], rows[:, 1])
