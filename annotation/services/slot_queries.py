"""The statements of the slot protocol. Each is one round trip and decides everything under row locks."""

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

# `mine`, `free` and `expired` are read in this order and only as far as needed: UNION ALL under LIMIT stops at the
# first row, so a person with a lease costs one index probe.
ACQUIRE = f"""
WITH mine AS (
    SELECT s.id FROM annotation_slot s JOIN annotation_task t ON t.id = s.task_id
    WHERE s.annotator_id = %(annotator)s AND s.project_id = %(project)s AND s.state = 'leased' AND t.state = 'open'
    ORDER BY s.lease_expires_at DESC LIMIT 1
    FOR UPDATE OF s
), free AS (
    SELECT s.id FROM annotation_slot s JOIN annotation_task t ON t.id = s.task_id
    WHERE s.project_id = %(project)s AND s.state = 'free' AND t.state = 'open' AND {_UNTOUCHED}
    ORDER BY s.priority DESC, s.id LIMIT 1
    FOR UPDATE OF s SKIP LOCKED
), expired AS (
    SELECT s.id FROM annotation_slot s JOIN annotation_task t ON t.id = s.task_id
    WHERE s.project_id = %(project)s AND s.state = 'leased' AND s.lease_expires_at <= statement_timestamp()
      AND t.state = 'open' AND {_UNTOUCHED}
    ORDER BY s.priority DESC, s.id LIMIT 1
    FOR UPDATE OF s SKIP LOCKED
), pick AS (
    SELECT id, held FROM (
        SELECT id, true AS held FROM mine UNION ALL SELECT id, false FROM free UNION ALL SELECT id, false FROM expired
    ) candidates LIMIT 1
)
UPDATE annotation_slot s SET
    state = 'leased',
    last_annotator_id = CASE WHEN pick.held THEN s.last_annotator_id ELSE s.annotator_id END,
    annotator_id = %(annotator)s,
    lease_token = CASE WHEN pick.held THEN s.lease_token ELSE %(token)s END,
    leased_at = CASE WHEN pick.held AND s.lease_expires_at > statement_timestamp() THEN s.leased_at
                     ELSE statement_timestamp() END,
    lease_expires_at = CASE WHEN pick.held AND s.lease_expires_at > statement_timestamp() THEN s.lease_expires_at
                            ELSE statement_timestamp() + make_interval(secs => p.lease_seconds) END,
    heartbeat_at = statement_timestamp()
FROM pick, annotation_project p
WHERE s.id = pick.id AND p.id = s.project_id
RETURNING s.*, NOT pick.held AS is_new
"""  # noqa: S608 - joins constants of this file; values travel as parameters

# Open slots at all; slots this person could have at this moment; the first end of somebody else's lease on a task
# that this person has not touched.
WHY_NOTHING = f"""
SELECT count(*),
       count(*) FILTER (WHERE untouched AND (state = 'free' OR lease_expires_at <= statement_timestamp())),
       min(lease_expires_at) FILTER (WHERE untouched AND state = 'leased' AND lease_expires_at > statement_timestamp())
FROM (
    SELECT s.state, s.lease_expires_at, {_UNTOUCHED} AS untouched
    FROM annotation_slot s JOIN annotation_task t ON t.id = s.task_id
    WHERE s.project_id = %(project)s AND s.state IN ('free', 'leased') AND t.state = 'open'
) open_slots
"""  # noqa: S608 - as above

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
