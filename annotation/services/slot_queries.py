"""The statements of the slot protocol. Each is one round trip and decides everything under row locks.

Acquire itself is a function in the database, `annotation_lease` (newest in the migration acquire_by_probes).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from annotation.models import Draft, Prompt, Task
from annotation.selectors.workplaces import WORKPLACE_COLUMNS, workplace_statement
from annotation.statements import Columns

# Tasks that the annotator has to do with already: for each a probe of an index by the task, never a scan (OFFSET 0 and
# the sum keep the planner from turning it into a look at all the person did). A submitted slot always has a judgment,
# so the judgments cover slots, imports and accepted late answers alike.
_UNTOUCHED = """
    NOT EXISTS (SELECT FROM annotation_slot o WHERE o.task_id = s.task_id AND o.annotator_id + 0 = %(annotator)s
                AND o.state IN ('leased', 'submitted') OFFSET 0)
    AND NOT EXISTS (SELECT FROM annotation_judgment j WHERE j.task_id = s.task_id
                    AND j.annotator_id + 0 = %(annotator)s OFFSET 0)
    AND NOT EXISTS (SELECT FROM annotation_skip k WHERE k.task_id = s.task_id
                    AND k.annotator_id + 0 = %(annotator)s OFFSET 0)
    AND NOT EXISTS (SELECT FROM annotation_keptanswer a WHERE a.task_id = s.task_id
                    AND a.annotator_id + 0 = %(annotator)s AND a.state = 'kept' OFFSET 0)
"""

TASK_AT_WORK = Columns(Task, without=["jitter", "origin", "created_at"])
"""What taking and answering a task needs of it."""
_PROMPT = Columns(Prompt, without=["tags", "metadata", "created_at"])
_DRAFT = Columns(Draft)


def _acquire(*, project: str, annotator: str) -> str:
    """The lease together with all that its screen shows, in one go; then task, prompt and draft, column by column."""
    return f"""
SELECT a.slot_id, a.is_new, a.is_busy, a.number, a.token, a.expires_at,
       (SELECT json_agg(json_build_array(r.key, r.text) ORDER BY o.position)
        FROM annotation_taskresponse o JOIN annotation_response r ON r.id = o.response_id WHERE o.task_id = t.id)::text,
       {TASK_AT_WORK.of("t")}, {_PROMPT.of("q")}, {_DRAFT.of("d")}
FROM annotation_lease({project}, {annotator}, gen_random_uuid()) a
LEFT JOIN annotation_task t ON t.id = a.task_id
LEFT JOIN annotation_prompt q ON q.id = t.prompt_id
LEFT JOIN annotation_draft d ON d.task_id = t.id AND d.annotator_id = {annotator}
"""  # noqa: S608 - joins the names of our own columns


ACQUIRE = _acquire(project="%(project)s", annotator="%(annotator)s")
_TASK_FROM = 7
_PROMPT_FROM = _TASK_FROM + len(TASK_AT_WORK)
_DRAFT_FROM = _PROMPT_FROM + len(_PROMPT)


def acquire_at_workplace(*, user: str, superuser: str) -> str:
    """Reads what `workplace_statement` reads and, of a project without special tasks, ACQUIRE with it.

    Where normal work has to wait for something else, for superusers who are no members and without a project, all
    columns of ACQUIRE are null, and nothing is leased.
    """
    workplace = workplace_statement(user=user, superuser=superuser)
    is_plain = "w.is_open AND w.role IS NOT NULL AND NOT w.has_special_tasks"
    lease = _acquire(project=f"CASE WHEN {is_plain} THEN w.id END", annotator=user)
    return f"SELECT w.*, c.* FROM ({workplace}) w LEFT JOIN LATERAL ({lease}) c ON true"  # noqa: S608 - our own


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


def read_claim_at_workplace(row: Sequence[Any]) -> "ClaimRow | None":
    """What a row of `acquire_at_workplace` says of the lease; None where none was asked for."""
    claim = row[WORKPLACE_COLUMNS:]
    return read_claim(claim) if claim and claim[1] is not None else None


def read_claim(row: Sequence[Any]) -> ClaimRow:
    """A row of ACQUIRE with its parts as rows of their tables."""
    slot_id, is_new, is_busy, number, token, expires_at, texts = row[:_TASK_FROM]
    task = None
    if row[_TASK_FROM] is not None:
        task = TASK_AT_WORK.build(row[_TASK_FROM:_PROMPT_FROM])
        task.prompt = _PROMPT.build(row[_PROMPT_FROM:_DRAFT_FROM])
    draft = _DRAFT.build(row[_DRAFT_FROM:]) if row[_DRAFT_FROM] is not None else None
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

_ALL_SLOTS = """
slots AS (SELECT * FROM annotation_slot WHERE project_id = %(project)s AND state IN ('free', 'leased')),
size AS (SELECT false AS is_partial)
"""
_FREE = "s.project_id = %(project)s AND s.state = 'free'"
_QUEUE = "s.asks, s.asks_level"
# The front of each queue of slots, found by jumps along its index; of those that came back, and of those that are out.
_SOME_SLOTS = f"""
queues AS (
    (SELECT {_QUEUE} FROM annotation_slot s WHERE {_FREE} AND s.returned_at IS NULL ORDER BY {_QUEUE} LIMIT 1)
    UNION ALL
    SELECT n.asks, n.asks_level FROM queues q CROSS JOIN LATERAL (
        SELECT {_QUEUE} FROM annotation_slot s
        WHERE {_FREE} AND s.returned_at IS NULL AND ({_QUEUE}) > (q.asks, q.asks_level) ORDER BY {_QUEUE} LIMIT 1) n
), parts AS (
    SELECT 0 AS part, s.* FROM queues q CROSS JOIN LATERAL (
        SELECT s.* FROM annotation_slot s
        WHERE {_FREE} AND s.returned_at IS NULL AND s.asks = q.asks AND s.asks_level = q.asks_level
        ORDER BY {_QUEUE}, s.priority * -1.0, s.jitter, s.task_id LIMIT %(some)s) s
    UNION ALL
    (SELECT 1, s.* FROM annotation_slot s WHERE {_FREE} AND s.returned_at IS NOT NULL LIMIT %(some)s)
    UNION ALL
    (SELECT 2, s.* FROM annotation_slot s WHERE s.project_id = %(project)s AND s.state = 'leased'
     ORDER BY s.lease_expires_at LIMIT %(some)s)
), slots AS (SELECT * FROM parts),
size AS (SELECT EXISTS (SELECT FROM parts GROUP BY part, CASE part WHEN 0 THEN asks END,
                        CASE part WHEN 0 THEN asks_level END HAVING count(*) >= %(some)s) AS is_partial)
"""  # noqa: S608 - joins constants of this file

# Open slots at all; slots this person could have at this moment; the first end of somebody else's lease on a task
# that this person could do; slots that ask for more than this person has, and when the first of them opens to them;
# whether slots were left out.
_WHY_NOTHING = f"""
WITH RECURSIVE {{slots}}
SELECT count(*),
       count(*) FILTER (WHERE untouched AND qualified
                        AND (state = 'free' OR lease_expires_at <= statement_timestamp())),
       min(lease_expires_at) FILTER (WHERE untouched AND qualified AND state = 'leased'
                                     AND lease_expires_at > statement_timestamp()),
       count(*) FILTER (WHERE untouched AND NOT qualified),
       min(opens_at) FILTER (WHERE untouched AND NOT qualified),
       (SELECT is_partial FROM size)
FROM (
    SELECT s.state, s.lease_expires_at, {_UNTOUCHED} AS untouched, {_QUALIFIED} AS qualified,
           CASE WHEN s.asks = 0 THEN NULL ELSE {_OPENS_AT} END AS opens_at
    FROM slots s JOIN annotation_task t ON t.id = s.task_id JOIN annotation_project p ON p.id = s.project_id
    WHERE t.state = 'open' AND s.asks >= 0
    OFFSET 0  -- each slot is asked about once, not once a count
) open_slots
"""  # noqa: S608 - joins constants of this file; values travel as parameters
WHY_NOTHING = _WHY_NOTHING.format(slots=_SOME_SLOTS)
WHY_NOTHING_AT_ALL = _WHY_NOTHING.format(slots=_ALL_SLOTS)

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
