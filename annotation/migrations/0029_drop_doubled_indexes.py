"""Drops indexes that begin as another one of the same table does: every write paid for both."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('annotation', '0028_acquire_by_probes'),
    ]

    operations = [
        migrations.AlterField(
            model_name='draft',
            name='task',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='drafts', to='annotation.task'),
        ),
        migrations.AlterField(
            model_name='judgment',
            name='annotator',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='judgments', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='judgment',
            name='task',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='judgments', to='annotation.task'),
        ),
        migrations.AlterField(
            model_name='preference',
            name='judgment',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='preferences', to='annotation.judgment'),
        ),
        migrations.AlterField(
            model_name='score',
            name='judgment',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='score_rows', to='annotation.judgment'),
        ),
        migrations.AlterField(
            model_name='workcursor',
            name='annotator',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
    ]
