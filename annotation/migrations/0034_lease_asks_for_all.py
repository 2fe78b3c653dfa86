"""Acquire as part of a statement that reads the project: where there is none to lease from, nothing is done."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("annotation", "0033_fewer_entries")]

    operations = [
        migrations.RunSQL(
            "ALTER FUNCTION annotation_lease(bigint, bigint, uuid) STRICT",
            "ALTER FUNCTION annotation_lease(bigint, bigint, uuid) CALLED ON NULL INPUT",
        ),
    ]
