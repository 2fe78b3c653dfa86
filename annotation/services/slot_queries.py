"""The statements of the slot protocol. Each is one round trip and decides everything under row locks.

Acquire itself is a function in the database, `annotation_acquire` (see the migration of that name).
"""

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

ACQUIRE = "SELECT slot_id, is_new, is_busy FROM annotation_acquire(%s, %s, %s)"

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
    WHERE s.project_id = %(project)s AND s.state IN ('free', 'leased') AND t.state = 'open'
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
