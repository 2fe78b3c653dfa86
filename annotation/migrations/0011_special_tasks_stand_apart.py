"""Slots of tasks with a purpose of their own stand in the queue -1, from which nobody takes.

Nothing else changes in the two functions. A gold task whose lease ends is then offered to nobody but by the service
that gives out such tasks.
"""

from django.db import migrations

NORMAL_ASKS = "COALESCE({task}.skill_id, 0)"
SPECIAL_ASKS = "CASE WHEN {task}.purpose <> 'normal' THEN -1 ELSE COALESCE({task}.skill_id, 0) END"
NORMAL_LEVEL = "CASE WHEN {task}.skill_id IS NULL THEN 0 ELSE {task}.skill_level END"
SPECIAL_LEVEL = "CASE WHEN {task}.skill_id IS NULL OR {task}.purpose <> 'normal' THEN 0 ELSE {task}.skill_level END"


def _enter(asks: str, level: str) -> str:
    asks, level = asks.format(task="t"), level.format(task="t")
    return f"""
CREATE OR REPLACE FUNCTION annotation_slot_enter_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE annotation_slot s
    SET priority = t.priority, jitter = t.jitter, asks = {asks}, asks_level = {level}
    FROM entered e JOIN annotation_task t ON t.id = e.task_id
    WHERE s.id = e.id
      AND (e.priority, e.jitter, e.asks, e.asks_level) IS DISTINCT FROM (t.priority, t.jitter, {asks}, {level});
    INSERT INTO annotation_workqueue (project_id, epoch)
    SELECT DISTINCT e.project_id, 1 FROM entered e WHERE e.state = 'free' ORDER BY 1
    ON CONFLICT (project_id) DO UPDATE SET epoch = annotation_workqueue.epoch + 1;
    RETURN NULL;
END $$;
"""  # noqa: S608 - joins constants of this file


def _move(asks: str, level: str, *, watched: str) -> str:
    asks, level = asks.format(task="n"), level.format(task="n")
    new = ", ".join(f"n.{name}" for name in watched.split())
    old = ", ".join(f"o.{name}" for name in watched.split())
    return f"""
CREATE OR REPLACE FUNCTION annotation_task_move_in_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE annotation_slot s
    SET priority = n.priority, jitter = n.jitter, asks = {asks}, asks_level = {level}
    FROM after_rows n JOIN before_rows o ON o.id = n.id
    WHERE s.task_id = n.id AND ({new}) IS DISTINCT FROM ({old});
    INSERT INTO annotation_workqueue (project_id, epoch)
    SELECT DISTINCT n.project_id, 1 FROM after_rows n JOIN before_rows o ON o.id = n.id
    WHERE ({new}, n.state) IS DISTINCT FROM ({old}, o.state)
    ORDER BY 1
    ON CONFLICT (project_id) DO UPDATE SET epoch = annotation_workqueue.epoch + 1;
    RETURN NULL;
END $$;
"""  # noqa: S608 - joins constants of this file


WATCHED = "priority jitter skill_id skill_level"


class Migration(migrations.Migration):
    dependencies = [("annotation", "0010_quality_control")]
    operations = [
        migrations.RunSQL(_enter(SPECIAL_ASKS, SPECIAL_LEVEL), _enter(NORMAL_ASKS, NORMAL_LEVEL)),
        migrations.RunSQL(
            _move(SPECIAL_ASKS, SPECIAL_LEVEL, watched=f"{WATCHED} purpose"),
            _move(NORMAL_ASKS, NORMAL_LEVEL, watched=WATCHED),
        ),
    ]
