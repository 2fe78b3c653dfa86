"""Slots that nobody had yet leave the indexes by annotator. Built beside the running site."""

from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("annotation", "0020_import_jobs")]

    operations = [
        AddIndexConcurrently(
            "slot",
            models.Index(
                fields=["annotator", "project", "state"],
                condition=Q(annotator__isnull=False),
                name="slot_held_by_annotator",
            ),
        ),
        AddIndexConcurrently(
            "slot",
            models.Index(
                fields=["last_annotator"], condition=Q(last_annotator__isnull=False), name="slot_last_annotator"
            ),
        ),
        RemoveIndexConcurrently("slot", "slot_by_annotator"),
        migrations.AlterField(
            model_name="slot",
            name="last_annotator",
            field=models.ForeignKey(
                settings.AUTH_USER_MODEL,
                models.SET_NULL,
                blank=True,
                db_index=False,
                null=True,
                related_name="+",
            ),
        ),
    ]
