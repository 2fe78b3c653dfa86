"""Acquire whose plan cannot go wrong, in fewer statements.

The planner could turn "this person has nothing to do with the task" into a look at everything the person ever did, and
does so on a site that has just begun: its tables have no statistics yet, and a plan that was made then stays for a while.
"""

from django.db import migrations


def _nothing(table: str, alias: str, further: str = "") -> str:
    """No row of this table joins person and task.

    OFFSET 0 keeps it a question about one task; the sum keeps it off indexes that begin with the person.
    """
    return f"""NOT EXISTS (SELECT FROM annotation_{table} {alias} WHERE {alias}.task_id = s.task_id
                AND {alias}.annotator_id + 0 = p_annotator {further} OFFSET 0)"""


# Whether a person has nothing to do with a task yet. A submitted slot always has a judgment, so the judgments cover
# slots, imports and accepted late answers alike.
UNTOUCHED = f"""
    {_nothing("slot", "o", "AND o.state IN ('leased', 'submitted')")}
    AND {_nothing("judgment", "j")}
    AND {_nothing("skip", "k")}
    AND {_nothing("keptanswer", "a", "AND a.state = 'kept'")}
"""
PLACE = "s.priority * -1.0, s.jitter, s.task_id"


def _search(returned: str, target: str, start: str) -> str:
    """The first slot of queue `q` that this person could have."""
    return f"""
        SELECT s.priority * -1.0 AS rank, s.jitter, s.task_id, t.created_at INTO {target}
        FROM annotation_slot s JOIN annotation_task t ON t.id = s.task_id
        WHERE s.project_id = p_project AND s.asks = q.asks AND s.asks_level = q.asks_level
          AND s.state = 'free' AND s.returned_at IS {returned} {start}
          AND t.state = 'open' AND {UNTOUCHED}
        ORDER BY {PLACE}, s.number LIMIT 1;
    """  # noqa: S608 - joins constants of this file


def _take(returned: str) -> str:
    """The same, locked; slots that others are taking at this moment are passed by."""
    return f"""
        SELECT s.id INTO slot_id
        FROM annotation_slot s JOIN annotation_task t ON t.id = s.task_id
        WHERE s.project_id = p_project AND s.asks = best_asks AND s.asks_level = best_level
          AND s.state = 'free' AND s.returned_at IS {returned}
          AND ({PLACE}) >= (best_rank, best_jitter, best_task)
          AND t.state = 'open' AND {UNTOUCHED}
        ORDER BY {PLACE}, s.number LIMIT 1
        FOR UPDATE OF s SKIP LOCKED;
    """  # noqa: S608 - joins constants of this file


TELL = "RETURNING s.task_id, s.number, s.lease_token, s.lease_expires_at INTO task_id, number, token, expires_at"
FROM_CURSOR = f"AND ({PLACE}) >= (from_rank, from_jitter, from_task)"

# A task that asks for nothing counts as one in which everybody stands in the middle.
# The settings keep every search a walk along one index, whatever the planner believes of a table that grows by the
# minute; `held` is a variable so that the person's lease is looked up by person, not among everybody's. `slot_id` is null
# when nothing could be had; `is_busy` says that there was something, but others were taking it at this very moment.
LEASE = f"""
CREATE OR REPLACE FUNCTION annotation_lease(p_project bigint, p_annotator bigint, p_token uuid,
                                 OUT slot_id bigint, OUT is_new boolean, OUT is_busy boolean, OUT task_id bigint,
                                 OUT number int, OUT token uuid, OUT expires_at timestamptz)
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    moment constant timestamptz := statement_timestamp();
    held constant text := 'leased';
    lasts interval;
    widens float8;
    now_epoch bigint;
    q record; fresh record; back record;
    from_rank float8; from_jitter float8; from_task bigint;
    best_rank float8; best_standing float8; best_jitter float8; best_task bigint; best_asks bigint; best_level int;
    from_fresh boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('acquire:' || p_project || ':' || p_annotator, 0));
    -- An epoch read too early only sends the cursor to the front once more.
    SELECT make_interval(secs => p.lease_seconds), p.widen_seconds, COALESCE(w.epoch, 0)
    INTO lasts, widens, now_epoch
    FROM annotation_project p LEFT JOIN annotation_workqueue w ON w.project_id = p.id WHERE p.id = p_project;

    -- The lease held already.
    SELECT s.id INTO slot_id FROM annotation_slot s JOIN annotation_task t ON t.id = s.task_id
    WHERE s.annotator_id = p_annotator AND s.project_id = p_project AND s.state = held AND t.state = 'open'
    ORDER BY s.lease_expires_at DESC LIMIT 1
    FOR UPDATE OF s;
    IF FOUND THEN
        UPDATE annotation_slot s SET
            leased_at = CASE WHEN s.lease_expires_at > moment THEN s.leased_at ELSE moment END,
            lease_expires_at = CASE WHEN s.lease_expires_at > moment THEN s.lease_expires_at ELSE moment + lasts END,
            heartbeat_at = moment
        WHERE s.id = slot_id {TELL};
        is_new := false;
        is_busy := false;
        RETURN;
    END IF;
    is_new := true;
    is_busy := false;

    -- The best task over all queues that this person may take from, without a lock.
    FOR q IN
        SELECT 0::bigint AS asks, 0 AS asks_level, 0::float8 AS waits, 0.5::float8 AS standing
        UNION ALL
        SELECT k.id, level.level, widens * ps.standing, ps.standing
        FROM annotation_personskill ps JOIN annotation_skill k ON k.id = ps.skill_id,
             generate_series(1, ps.level) AS level(level)
        WHERE ps.person_id = p_annotator AND k.project_id = p_project
    LOOP
        {_search("NOT NULL", "back", "")}
        SELECT c.rank, c.jitter, c.task_id INTO from_rank, from_jitter, from_task FROM annotation_workcursor c
        WHERE c.annotator_id = p_annotator AND c.project_id + 0 = p_project
          AND c.asks = q.asks AND c.asks_level = q.asks_level AND c.epoch = now_epoch;
        IF NOT FOUND THEN
            from_rank := '-infinity'; from_jitter := 0; from_task := 0;
        END IF;
        {_search("NULL", "fresh", FROM_CURSOR)}
        IF fresh.task_id IS NOT NULL AND fresh.created_at + make_interval(secs => q.waits) <= moment
           AND (best_task IS NULL OR (fresh.rank, q.standing, fresh.jitter, fresh.task_id)
                                     < (best_rank, best_standing, best_jitter, best_task))
        THEN
            best_rank := fresh.rank; best_jitter := fresh.jitter; best_task := fresh.task_id;
            best_standing := q.standing; best_asks := q.asks; best_level := q.asks_level; from_fresh := true;
        END IF;
        IF back.task_id IS NOT NULL AND back.created_at + make_interval(secs => q.waits) <= moment
           AND (best_task IS NULL OR (back.rank, q.standing, back.jitter, back.task_id)
                                     <= (best_rank, best_standing, best_jitter, best_task))
        THEN
            best_rank := back.rank; best_jitter := back.jitter; best_task := back.task_id;
            best_standing := q.standing; best_asks := q.asks; best_level := q.asks_level; from_fresh := false;
        END IF;
    END LOOP;

    IF best_task IS NOT NULL THEN
        IF from_fresh THEN
            {_take("NULL")}
        ELSE
            {_take("NOT NULL")}
        END IF;
    END IF;
    IF slot_id IS NULL THEN
        -- Last, a slot whose lease ran out and that nobody freed yet.
        SELECT s.id INTO slot_id
        FROM annotation_slot s JOIN annotation_task t ON t.id = s.task_id
        WHERE s.project_id = p_project AND s.state = 'leased' AND s.lease_expires_at <= moment AND t.state = 'open'
          AND (s.asks = 0 OR EXISTS (SELECT FROM annotation_personskill ps WHERE ps.skill_id = s.asks
               AND ps.person_id = p_annotator AND ps.level >= s.asks_level
               AND t.created_at + make_interval(secs => widens * ps.standing) <= moment))
          AND {UNTOUCHED}
        ORDER BY {PLACE} LIMIT 1
        FOR UPDATE OF s SKIP LOCKED;
        IF slot_id IS NULL THEN
            is_busy := best_task IS NOT NULL;
            RETURN;
        END IF;
        from_fresh := false;
    END IF;

    UPDATE annotation_slot s SET
        state = 'leased', last_annotator_id = s.annotator_id, annotator_id = p_annotator, lease_token = p_token,
        leased_at = moment, lease_expires_at = moment + lasts, heartbeat_at = moment
    WHERE s.id = slot_id {TELL};
    -- Before the best one this person has to do with everything. One cursor a transaction: taking over a lease that ran out
    -- pulls its holder's cursor back, and two people who take over from each other must not wait for each other.
    IF from_fresh THEN
        INSERT INTO annotation_workcursor AS c
            (project_id, annotator_id, asks, asks_level, rank, jitter, task_id, epoch)
        VALUES (p_project, p_annotator, best_asks, best_level, best_rank, best_jitter, best_task, now_epoch)
        ON CONFLICT ON CONSTRAINT work_cursor_once_a_queue DO UPDATE
        SET rank = EXCLUDED.rank, jitter = EXCLUDED.jitter, task_id = EXCLUDED.task_id, epoch = EXCLUDED.epoch;
    END IF;
END $$;
"""  # noqa: S608 - joins constants of this file

# For callers that want to know what the queue has, not what the lease's screen shows.
ACQUIRE = """
CREATE OR REPLACE FUNCTION annotation_acquire(p_project bigint, p_annotator bigint, p_token uuid,
                                   OUT slot_id bigint, OUT is_new boolean, OUT is_busy boolean)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    SELECT a.slot_id, a.is_new, a.is_busy INTO slot_id, is_new, is_busy
    FROM annotation_lease(p_project, p_annotator, p_token) a;
END $$;
"""

# What a person ranked last, newest first, as [[order shown, tiers], …]; only of this project, among their last few at all.
LATEST = """
CREATE FUNCTION annotation_latest_rankings(p_annotator bigint, p_project bigint, p_count int) RETURNS json
LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN (
        SELECT json_agg(json_build_array(last.shown_order, last.tiers))
        FROM (SELECT j.project_id, j.shown_order, j.tiers FROM annotation_judgment j
              WHERE j.annotator_id = p_annotator ORDER BY j.created_at DESC LIMIT p_count) last
        WHERE last.project_id = p_project
    );
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("annotation", "0027_measure_reports_anew")]

    # Going back keeps these: they have the same shape, and the ones before differ in their speed alone.
    operations = [
        migrations.RunSQL(LEASE, migrations.RunSQL.noop),
        migrations.RunSQL(ACQUIRE, migrations.RunSQL.noop),
        migrations.RunSQL(LATEST, "DROP FUNCTION annotation_latest_rankings(bigint, bigint, int)"),
    ]
