"""Among queues of one priority a person now gets the task of the queue in which they stand best."""

from django.db import migrations

# Whether a person has nothing to do with a task yet. Each is a probe of an index, never a scan. A submitted slot always
# has a judgment, so the judgments cover slots, imports and accepted late answers alike.
UNTOUCHED = """
    NOT EXISTS (SELECT FROM annotation_slot o WHERE o.task_id = s.task_id AND o.annotator_id = p_annotator
                AND o.state IN ('leased', 'submitted'))
    AND NOT EXISTS (SELECT FROM annotation_judgment j WHERE j.task_id = s.task_id AND j.annotator_id = p_annotator)
    AND NOT EXISTS (SELECT FROM annotation_skip k WHERE k.task_id = s.task_id AND k.annotator_id = p_annotator)
    AND NOT EXISTS (SELECT FROM annotation_keptanswer a WHERE a.task_id = s.task_id
                    AND a.annotator_id = p_annotator AND a.state = 'kept')
"""
PLACE = "s.priority * -1.0, s.jitter, s.task_id"


def _search(returned: str, target: str) -> str:
    """The first slot of queue `q` that this person could have, from `place` on."""
    return f"""
        SELECT s.priority * -1.0 AS rank, s.jitter, s.task_id, t.created_at INTO {target}
        FROM annotation_slot s JOIN annotation_task t ON t.id = s.task_id
        WHERE s.project_id = p_project AND s.asks = q.asks AND s.asks_level = q.asks_level
          AND s.state = 'free' AND s.returned_at IS {returned}
          AND ({PLACE}) >= (place.rank, place.jitter, place.task_id)
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


# A task that asks for nothing counts as one in which everybody stands in the middle.
# The settings keep every search a walk along one index, whatever the planner believes of a table that grows by the
# minute. `slot_id` is null when
# nothing could be had; `is_busy` says that there was something, but others were taking it at this very moment.
ACQUIRE = f"""
CREATE OR REPLACE FUNCTION annotation_acquire(p_project bigint, p_annotator bigint, p_token uuid,
                                   OUT slot_id bigint, OUT is_new boolean, OUT is_busy boolean)
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    moment constant timestamptz := statement_timestamp();
    lasts interval;
    widens float8;
    now_epoch bigint;
    q record; place record; fresh record; back record;
    best_rank float8; best_standing float8; best_jitter float8; best_task bigint; best_asks bigint; best_level int; from_fresh boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('acquire:' || p_project || ':' || p_annotator, 0));
    SELECT make_interval(secs => p.lease_seconds), p.widen_seconds INTO lasts, widens
    FROM annotation_project p WHERE p.id = p_project;

    -- The lease held already.
    SELECT s.id INTO slot_id FROM annotation_slot s JOIN annotation_task t ON t.id = s.task_id
    WHERE s.annotator_id = p_annotator AND s.project_id = p_project AND s.state = 'leased' AND t.state = 'open'
    ORDER BY s.lease_expires_at DESC LIMIT 1
    FOR UPDATE OF s;
    IF FOUND THEN
        UPDATE annotation_slot s SET
            leased_at = CASE WHEN s.lease_expires_at > moment THEN s.leased_at ELSE moment END,
            lease_expires_at = CASE WHEN s.lease_expires_at > moment THEN s.lease_expires_at ELSE moment + lasts END,
            heartbeat_at = moment
        WHERE s.id = slot_id;
        is_new := false;
        is_busy := false;
        RETURN;
    END IF;
    is_new := true;
    is_busy := false;

    -- The best task over all queues that this person may take from, without a lock.
    SELECT w.epoch INTO now_epoch FROM annotation_workqueue w WHERE w.project_id = p_project;
    now_epoch := COALESCE(now_epoch, 0);
    FOR q IN
        SELECT 0::bigint AS asks, 0 AS asks_level, 0::float8 AS waits, 0.5::float8 AS standing
        UNION ALL
        SELECT k.id, level.level, widens * ps.standing, ps.standing
        FROM annotation_personskill ps JOIN annotation_skill k ON k.id = ps.skill_id,
             generate_series(1, ps.level) AS level(level)
        WHERE ps.person_id = p_annotator AND k.project_id = p_project
    LOOP
        SELECT '-infinity'::float8 AS rank, 0::float8 AS jitter, 0::bigint AS task_id INTO place;
        {_search("NOT NULL", "back")}
        SELECT c.rank, c.jitter, c.task_id INTO place FROM annotation_workcursor c
        WHERE c.annotator_id = p_annotator AND c.project_id = p_project
          AND c.asks = q.asks AND c.asks_level = q.asks_level AND c.epoch = now_epoch;
        IF NOT FOUND THEN
            SELECT '-infinity'::float8 AS rank, 0::float8 AS jitter, 0::bigint AS task_id INTO place;
        END IF;
        {_search("NULL", "fresh")}
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
    WHERE s.id = slot_id;
    -- Before the best one this person has to do with everything. One cursor a transaction: taking over a lease that ran out
    -- pulls its holder's cursor back, and two people who take over from each other must not wait for each other.
    IF from_fresh THEN
        INSERT INTO annotation_workcursor AS c
            (project_id, annotator_id, asks, asks_level, rank, jitter, task_id, epoch)
        VALUES (p_project, p_annotator, best_asks, best_level, best_rank, best_jitter, best_task, now_epoch)
        ON CONFLICT (annotator_id, project_id, asks, asks_level) DO UPDATE
        SET rank = EXCLUDED.rank, jitter = EXCLUDED.jitter, task_id = EXCLUDED.task_id, epoch = EXCLUDED.epoch;
    END IF;
END $$;
"""  # noqa: S608 - joins constants of this file


class Migration(migrations.Migration):
    dependencies = [("annotation", "0021_slots_without_annotator")]

    # Going back keeps this version: it has the same shape, and the one before differs in the order of equals alone.
    operations = [migrations.RunSQL(ACQUIRE, migrations.RunSQL.noop)]
