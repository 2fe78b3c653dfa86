"""New slots find their task by its key, however many tasks there are.

A session keeps the plan that it made first. Made while the tables were small, that was a scan of all tasks, so each
later batch of a long import took longer than the one before.
"""

from django.db import migrations

BY_KEY = """
ALTER FUNCTION annotation_slot_enter_queue()
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
"""
AS_PLANNED = "ALTER FUNCTION annotation_slot_enter_queue() RESET ALL"


class Migration(migrations.Migration):
    dependencies = [("annotation", "0030_criterion_splits")]

    operations = [migrations.RunSQL(BY_KEY, AS_PLANNED)]
