"""The search for work runs along these. Built beside the running site, which goes on with the old one until then."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q, Value

PLACE = (F("priority") * Value(-1.0), F("jitter"), F("task_id"), F("number"))
QUEUE = (F("project"), F("asks"), F("asks_level"), *PLACE)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("annotation", "0005_giving_out_work")]

    operations = [
        AddIndexConcurrently(
            "slot", models.Index(*QUEUE, condition=Q(state="free", returned_at__isnull=True), name="slot_fresh_work")
        ),
        AddIndexConcurrently(
            "slot",
            models.Index(*QUEUE, condition=Q(state="free", returned_at__isnull=False), name="slot_returned_work"),
        ),
        RemoveIndexConcurrently("slot", "slot_free_work"),
    ]
