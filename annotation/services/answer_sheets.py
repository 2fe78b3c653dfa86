"""All that is needed to take an answer, in one statement: task, project, role, criteria, responses and slot."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from annotation.exceptions import NotFound
from annotation.models import Project, User
from annotation.permissions import Role, remember_role, require_role
from annotation.quality.signals import LONGEST_ROW
from annotation.selectors.workplaces import CRITERIA, build_criteria
from annotation.services.judgment_rows import AnswerSheet
from annotation.services.slot_queries import TASK_AT_WORK
from annotation.statements import Columns, fetch_row

_PROJECT = Columns(
    Project,
    without=[
        "name", "guideline", "lease_seconds", "lease_limit_seconds", "agreement_gate", "widen_seconds", "skips_per_day",
        "skips_to_hold", "reserve_slots", "practice_tasks", "is_demo", "created_by_id", "created_at",
    ],
)  # fmt: skip


def sheet_statement(*, user: str, slot: str) -> str:
    """Reads the task of `task_id` with all that an answer to it needs. slot: which of its slots `s` to give."""
    return f"""
SELECT m.role, s.id, s.number, s.lease_token, {CRITERIA},
       (SELECT json_agg(json_build_array(r.key, r.id, length(r.text)) ORDER BY o.position)
        FROM annotation_taskresponse o JOIN annotation_response r ON r.id = o.response_id WHERE o.task_id = t.id)::text,
       CASE WHEN t.kind = 'ranking'
            THEN annotation_latest_rankings({user}, t.project_id, {LONGEST_ROW - 1})::text END,
       {TASK_AT_WORK.of("t")}, {_PROJECT.of("p")}
FROM annotation_task t
JOIN annotation_project p ON p.id = t.project_id
LEFT JOIN annotation_membership m ON m.project_id = p.id AND m.user_id = {user}
LEFT JOIN annotation_slot s ON s.task_id = t.id AND {slot}
WHERE t.id = %(task_id)s
"""  # noqa: S608 - joins the names of our own columns


_SHEET = sheet_statement(user="%(user)s", slot="s.lease_token = %(token)s")
_TASK_FROM = 7


def open_sheet(*, annotator: User, task_id: int, lease_token: UUID) -> AnswerSheet:
    """The sheet of a task of a project that this person belongs to, with the slot of this lease token.

    The slot is not locked: what fills it asks again whose it is. Raises: NotFound.
    """
    row = fetch_row(_SHEET, {"user": annotator.pk, "token": lease_token, "task_id": task_id})
    return read_sheet(row or (None,) * (_TASK_FROM + 1), annotator=annotator, lease_token=lease_token)


def read_sheet(row: Sequence[Any], *, annotator: User, lease_token: UUID) -> AnswerSheet:
    """The sheet out of a row of `sheet_statement`, all null without one. A slot with another token is not known.

    Raises: NotFound.
    """
    role, slot_id, slot_number, token, criteria, responses, earlier = row[:_TASK_FROM]
    if row[_TASK_FROM] is None:
        raise NotFound("There is no such task.")
    task = TASK_AT_WORK.build(row[_TASK_FROM : _TASK_FROM + len(TASK_AT_WORK)])
    task.project = _PROJECT.build(row[_TASK_FROM + len(TASK_AT_WORK) :])
    remember_role(user=annotator, project=task.project, role=role)
    require_role(user=annotator, project=task.project, role=Role.ANNOTATOR)
    places = orjson.loads(responses) if responses else []
    by_name = {criterion.name: criterion for criterion in build_criteria(criteria)}
    is_known = token == lease_token
    return AnswerSheet(
        task,
        {key: pk for key, pk, _ in places},
        by_name,
        slot_id if is_known else None,
        (slot_number or 1) if is_known else 1,
        characters=sum(length for *_, length in places),
        earlier=orjson.loads(earlier) if earlier else (),
    )
