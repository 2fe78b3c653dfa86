"""Acquire that tells the lease's own columns too, so that a query around it can join what the lease's screen shows.

The snapshot of such a query is older than the lease; inside the function each statement has a new one.
"""

from django.db import migrations

LEASE = """
CREATE FUNCTION annotation_lease(p_project bigint, p_annotator bigint, p_token uuid,
                                 OUT slot_id bigint, OUT is_new boolean, OUT is_busy boolean, OUT task_id bigint,
                                 OUT number int, OUT token uuid, OUT expires_at timestamptz)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    SELECT a.slot_id, a.is_new, a.is_busy INTO slot_id, is_new, is_busy
    FROM annotation_acquire(p_project, p_annotator, p_token) a;
    IF slot_id IS NOT NULL THEN
        SELECT s.task_id, s.number, s.lease_token, s.lease_expires_at INTO task_id, number, token, expires_at
        FROM annotation_slot s WHERE s.id = slot_id;
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("annotation", "0013_judgment_recorded")]

    operations = [migrations.RunSQL(LEASE, "DROP FUNCTION annotation_lease(bigint, bigint, uuid)")]
