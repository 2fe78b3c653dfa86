"""All that is needed to take an answer, in one statement: task, project, role, criteria, responses and slot."""

from uuid import UUID

import orjson

from annotation.exceptions import NotFound
from annotation.models import Project, Task, User
from annotation.permissions import Role, remember_role, require_role
from annotation.quality.signals import LONGEST_ROW
from annotation.selectors.workplaces import CRITERIA, build_criteria
from annotation.services.judgment_rows import AnswerSheet
from annotation.statements import build_row, columns_of, count_columns, fetch_row

_SHEET = f"""
SELECT m.role, s.id, s.number, {CRITERIA},
       (SELECT json_agg(json_build_array(r.key, r.id, length(r.text)) ORDER BY o.position)
        FROM annotation_taskresponse o JOIN annotation_response r ON r.id = o.response_id WHERE o.task_id = t.id)::text,
       CASE WHEN t.kind = 'ranking'
            THEN annotation_latest_rankings(%(user)s, t.project_id, {LONGEST_ROW - 1})::text END,
       {columns_of(Task, "t")}, {columns_of(Project, "p")}
FROM annotation_task t
JOIN annotation_project p ON p.id = t.project_id
LEFT JOIN annotation_membership m ON m.project_id = p.id AND m.user_id = %(user)s
LEFT JOIN annotation_slot s ON s.task_id = t.id AND s.lease_token = %(token)s
WHERE t.id = %(task)s
"""  # noqa: S608 - joins the names of our own columns
_TASK_FROM = 6


def open_sheet(*, annotator: User, task_id: int, lease_token: UUID) -> AnswerSheet:
    """The sheet of a task of a project that this person belongs to, with the slot of this lease token.

    The slot is not locked: what fills it asks again whose it is. Raises: NotFound.
    """
    row = fetch_row(_SHEET, {"user": annotator.pk, "token": lease_token, "task": task_id})
    if row is None:
        raise NotFound("There is no such task.")
    role, slot_id, slot_number, criteria, responses, earlier = row[:_TASK_FROM]
    task = build_row(Task, row[_TASK_FROM : _TASK_FROM + count_columns(Task)])
    task.project = build_row(Project, row[_TASK_FROM + count_columns(Task) :])
    remember_role(user=annotator, project=task.project, role=role)
    require_role(user=annotator, project=task.project, role=Role.ANNOTATOR)
    places = orjson.loads(responses) if responses else []
    by_name = {criterion.name: criterion for criterion in build_criteria(criteria)}
    return AnswerSheet(
        task,
        {key: pk for key, pk, _ in places},
        by_name,
        slot_id,
        slot_number or 1,
        characters=sum(length for *_, length in places),
        earlier=orjson.loads(earlier) if earlier else (),
    )
