"""The statements of the slot protocol. Each is one round trip and decides everything under row locks.

Acquire itself is a function in the database, `annotation_lease` (newest in the migration acquire_by_probes).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from annotation.models import Draft, Prompt, Task
from annotation.statements import build_row, columns_of, count_columns

# Tasks that the annotator has to do with already. Each is a probe of a unique index, never a scan. A submitted slot
# always has a judgment, so the judgments cover slots, imports and accepted late answers alike.
_UNTOUCHED = """
    NOT EXISTS (SELECT FROM annotation_slot o WHERE o.task_id = s.task_id AND o.annotator_id = %(annotator)s
                AND o.state IN ('leased', 'submitted'))
    AND NOT EXISTS (SELECT FROM annotation_judgment j WHERE j.task_id = s.task_id AND j.annotator_id = %(annotator)s)
    AND NOT EXISTS (SELECT FROM annotation_skip k WHERE k.task_id = s.task_id AND k.annotator_id = %(annotator)s)
    AND NOT EXISTS (SELECT FROM annotation_keptanswer a WHERE a.task_id = s.task_id
                    AND a.annotator_id = %(annotator)s AND a.state = 'kept')
"""

# The lease together with all that its screen shows, in one go; then task, prompt and draft, column by column.
ACQUIRE = f"""
SELECT a.slot_id, a.is_new, a.is_busy, a.number, a.token, a.expires_at,
       (SELECT json_agg(json_build_array(r.key, r.text) ORDER BY o.position)
        FROM annotation_taskresponse o JOIN annotation_response r ON r.id = o.response_id WHERE o.task_id = t.id)::text,
       {columns_of(Task, "t")}, {columns_of(Prompt, "q")}, {columns_of(Draft, "d")}
FROM annotation_lease(%(project)s, %(annotator)s, %(token)s) a
LEFT JOIN annotation_task t ON t.id = a.task_id
LEFT JOIN annotation_prompt q ON q.id = t.prompt_id
LEFT JOIN annotation_draft d ON d.task_id = t.id AND d.annotator_id = %(annotator)s
"""  # noqa: S608 - joins the names of our own columns
_TASK_FROM = 7
_PROMPT_FROM = _TASK_FROM + count_columns(Task)
_DRAFT_FROM = _PROMPT_FROM + count_columns(Prompt)


class ClaimRow(NamedTuple):
    """What ACQUIRE gives."""

    slot_id: int | None
    is_new: bool
    is_busy: bool
    number: int
    token: UUID
    expires_at: datetime
    texts: dict[str, str]
    """By response key, in stored order."""
    task: Task | None
    """None without a slot, and for a task that came to be while the statement ran."""
    draft: Draft | None


def read_claim(row: Sequence[Any]) -> ClaimRow:
    """A row of ACQUIRE with its parts as rows of their tables."""
    slot_id, is_new, is_busy, number, token, expires_at, texts = row[:_TASK_FROM]
    task = None
    if row[_TASK_FROM] is not None:
        task = build_row(Task, row[_TASK_FROM:_PROMPT_FROM])
        task.prompt = build_row(Prompt, row[_PROMPT_FROM:_DRAFT_FROM])
    draft = build_row(Draft, row[_DRAFT_FROM:]) if row[_DRAFT_FROM] is not None else None
    pairs = dict(orjson.loads(texts)) if texts else {}
    return ClaimRow(slot_id, is_new, is_busy, number, token, expires_at, pairs, task, draft)


# The task asks for nothing, or for a skill that the person has to its level and whose wait is over for them.
_QUALIFIED = """
    (s.asks = 0 OR EXISTS (
        SELECT FROM annotation_personskill ps
        WHERE ps.skill_id = s.asks AND ps.person_id = %(annotator)s AND ps.level >= s.asks_level
          AND t.created_at + make_interval(secs => p.widen_seconds * ps.standing) <= statement_timestamp()))
"""
_OPENS_AT = """
    (SELECT t.created_at + make_interval(secs => p.widen_seconds * ps.standing) FROM annotation_personskill ps
     WHERE ps.skill_id = s.asks AND ps.person_id = %(annotator)s AND ps.level >= s.asks_level)
"""

# Open slots at all; slots this person could have at this moment; the first end of somebody else's lease on a task
# that this person could do; slots that ask for more than this person has, and when the first of them opens to them.
WHY_NOTHING = f"""
SELECT count(*),
       count(*) FILTER (WHERE untouched AND qualified
                        AND (state = 'free' OR lease_expires_at <= statement_timestamp())),
       min(lease_expires_at) FILTER (WHERE untouched AND qualified AND state = 'leased'
                                     AND lease_expires_at > statement_timestamp()),
       count(*) FILTER (WHERE untouched AND NOT qualified),
       min(opens_at) FILTER (WHERE untouched AND NOT qualified)
FROM (
    SELECT s.state, s.lease_expires_at, {_UNTOUCHED} AS untouched, {_QUALIFIED} AS qualified,
           CASE WHEN s.asks = 0 THEN NULL ELSE {_OPENS_AT} END AS opens_at
    FROM annotation_slot s JOIN annotation_task t ON t.id = s.task_id JOIN annotation_project p ON p.id = s.project_id
    WHERE s.project_id = %(project)s AND s.state IN ('free', 'leased') AND t.state = 'open' AND s.asks >= 0
) open_slots
"""  # noqa: S608 - joins constants of this file; values travel as parameters

# A slot freed by expiry keeps its token and last holder: while nobody took it, that holder may take it up again.
HEARTBEAT = """
UPDATE annotation_slot s SET
    state = 'leased',
    annotator_id = %(annotator)s,
    leased_at = CASE WHEN s.state = 'leased' THEN s.leased_at ELSE statement_timestamp() END,
    lease_expires_at = LEAST(
        statement_timestamp() + make_interval(secs => p.lease_seconds),
        CASE WHEN s.state = 'leased' THEN s.leased_at ELSE statement_timestamp() END
            + make_interval(secs => p.lease_limit_seconds)),
    heartbeat_at = statement_timestamp()
FROM annotation_project p
WHERE p.id = s.project_id AND s.lease_token = %(token)s
  AND (s.state = 'leased' AND s.annotator_id = %(annotator)s
       OR s.state = 'free' AND s.last_annotator_id = %(annotator)s)
RETURNING s.lease_expires_at
"""

# The expired ones are found once, in a materialized step: as a subquery the planner may run the SELECT again for each
# row of the table, and then its LIMIT limits nothing.
EXPIRE = """
WITH expired AS MATERIALIZED (
    SELECT id FROM annotation_slot
    WHERE state = 'leased' AND (lease_expires_at IS NULL OR lease_expires_at <= statement_timestamp())
    ORDER BY lease_expires_at LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
UPDATE annotation_slot SET
    state = 'free', last_annotator_id = annotator_id, annotator_id = NULL, lease_expires_at = NULL, heartbeat_at = NULL
FROM expired WHERE annotation_slot.id = expired.id
"""
