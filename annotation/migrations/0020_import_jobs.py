"""Imports as rows, so that a worker can take them up, and a person see how far they are."""


import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('annotation', '0019_agreement_totals'),
    ]

    operations = [
        migrations.CreateModel(
            name='ImportJob',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('uploaded', 'Uploaded'), ('queued', 'Waiting for a worker'), ('running', 'Running'), ('succeeded', 'Done'), ('failed', 'Refused'), ('error', 'Broke'), ('cancelled', 'Cancelled')], default='uploaded', max_length=9)),
                ('stored_name', models.CharField(blank=True, max_length=100)),
                ('file_name', models.CharField(max_length=200)),
                ('size_bytes', models.PositiveBigIntegerField()),
                ('format', models.CharField(blank=True, max_length=20)),
                ('mapping', models.JSONField(default=dict)),
                ('is_dry_run', models.BooleanField(default=False)),
                ('infer_criteria', models.BooleanField(default=False)),
                ('bytes_done', models.PositiveBigIntegerField(default=0)),
                ('counts', models.JSONField(default=dict)),
                ('errors', models.JSONField(default=list)),
                ('error_count', models.PositiveIntegerField(default=0)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('worker', models.CharField(blank=True, max_length=200)),
                ('fencing_token', models.PositiveIntegerField(default=0)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('heartbeat_at', models.DateTimeField(blank=True, null=True)),
                ('lease_expires_at', models.DateTimeField(blank=True, null=True)),
                ('cancel_requested_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='import_jobs', to='annotation.project')),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['project', '-id'], name='import_by_project'), models.Index(condition=models.Q(('state__in', ['queued', 'running'])), fields=['state'], name='import_under_way')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('state', 'running'), _negated=True), ('lease_expires_at__isnull', False), _connector='OR'), name='import_running_has_a_lease')],
            },
        ),
    ]
