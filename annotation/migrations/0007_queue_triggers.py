"""What keeps queues and cursors true whoever writes: no caller can forget it."""

from django.db import migrations

# A slot whose lease ended becomes part of the small queue of returned slots, which every search looks through, however
# far a person's cursor is.
MARK_RETURNED = """
CREATE FUNCTION annotation_slot_mark_returned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.returned_at := statement_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER slot_mark_returned BEFORE UPDATE OF state ON annotation_slot FOR EACH ROW
    WHEN (OLD.state = 'leased' AND NEW.state = 'free')
    EXECUTE FUNCTION annotation_slot_mark_returned();
"""
# Whoever lost or gave back a lease may do another slot of that task, which may lie before their cursor.
PULL_BACK = """
CREATE FUNCTION annotation_slot_pull_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE annotation_workcursor c
    SET rank = NEW.priority * -1.0, jitter = NEW.jitter, task_id = NEW.task_id
    WHERE c.annotator_id = OLD.annotator_id AND c.project_id = NEW.project_id
      AND c.asks = NEW.asks AND c.asks_level = NEW.asks_level
      AND (c.rank, c.jitter, c.task_id) > (NEW.priority * -1.0, NEW.jitter, NEW.task_id);
    RETURN NULL;
END $$;
CREATE TRIGGER slot_pull_back AFTER UPDATE OF annotator_id ON annotation_slot FOR EACH ROW
    WHEN (OLD.state = 'leased' AND OLD.annotator_id IS DISTINCT FROM NEW.annotator_id)
    EXECUTE FUNCTION annotation_slot_pull_back();
"""
# New slots take over what the queue needs to know of their task; a new epoch sends every cursor to the front.
ENTER_QUEUE = """
CREATE FUNCTION annotation_slot_enter_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE annotation_slot s
    SET priority = t.priority, jitter = t.jitter, asks = COALESCE(t.skill_id, 0),
        asks_level = CASE WHEN t.skill_id IS NULL THEN 0 ELSE t.skill_level END
    FROM entered e JOIN annotation_task t ON t.id = e.task_id
    WHERE s.id = e.id
      AND (e.priority, e.jitter, e.asks, e.asks_level) IS DISTINCT FROM
          (t.priority, t.jitter, COALESCE(t.skill_id, 0), CASE WHEN t.skill_id IS NULL THEN 0 ELSE t.skill_level END);
    INSERT INTO annotation_workqueue (project_id, epoch)
    SELECT DISTINCT e.project_id, 1 FROM entered e WHERE e.state = 'free' ORDER BY 1
    ON CONFLICT (project_id) DO UPDATE SET epoch = annotation_workqueue.epoch + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER slot_enter_queue AFTER INSERT ON annotation_slot REFERENCING NEW TABLE AS entered
    FOR EACH STATEMENT EXECUTE FUNCTION annotation_slot_enter_queue();
"""
MOVE_IN_QUEUE = """
CREATE FUNCTION annotation_task_move_in_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE annotation_slot s
    SET priority = n.priority, jitter = n.jitter, asks = COALESCE(n.skill_id, 0),
        asks_level = CASE WHEN n.skill_id IS NULL THEN 0 ELSE n.skill_level END
    FROM after_rows n JOIN before_rows o ON o.id = n.id
    WHERE s.task_id = n.id
      AND (n.priority, n.jitter, n.skill_id, n.skill_level) IS DISTINCT FROM
          (o.priority, o.jitter, o.skill_id, o.skill_level);
    INSERT INTO annotation_workqueue (project_id, epoch)
    SELECT DISTINCT n.project_id, 1 FROM after_rows n JOIN before_rows o ON o.id = n.id
    WHERE (n.priority, n.jitter, n.skill_id, n.skill_level, n.state) IS DISTINCT FROM
          (o.priority, o.jitter, o.skill_id, o.skill_level, o.state)
    ORDER BY 1
    ON CONFLICT (project_id) DO UPDATE SET epoch = annotation_workqueue.epoch + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER task_move_in_queue AFTER UPDATE ON annotation_task
    REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows
    FOR EACH STATEMENT EXECUTE FUNCTION annotation_task_move_in_queue();
"""


def _drop(trigger: str, table: str) -> str:
    return f"DROP TRIGGER {trigger} ON annotation_{table}; DROP FUNCTION annotation_{trigger}();"


class Migration(migrations.Migration):
    dependencies = [("annotation", "0006_queue_indexes")]

    operations = [
        migrations.RunSQL(MARK_RETURNED, _drop("slot_mark_returned", "slot")),
        migrations.RunSQL(PULL_BACK, _drop("slot_pull_back", "slot")),
        migrations.RunSQL(ENTER_QUEUE, _drop("slot_enter_queue", "slot")),
        migrations.RunSQL(MOVE_IN_QUEUE, _drop("task_move_in_queue", "task")),
    ]
