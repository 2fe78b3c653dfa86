"""Tasks that came with a known answer become gold: nobody waits for their slots any more."""

from django.db import migrations

FORWARD = """
UPDATE annotation_slot s SET state = 'released'
FROM annotation_task t WHERE t.id = s.task_id AND t.gold IS NOT NULL AND s.state = 'free';
UPDATE annotation_task SET purpose = 'gold' WHERE gold IS NOT NULL;
"""
BACKWARD = """
UPDATE annotation_slot s SET state = 'free', lease_token = NULL
FROM annotation_task t, annotation_project p
WHERE t.id = s.task_id AND p.id = t.project_id AND t.gold IS NOT NULL AND s.state = 'released'
  AND s.number <= p.judgments_per_task;
"""


class Migration(migrations.Migration):
    dependencies = [("annotation", "0011_special_tasks_stand_apart")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
