"""Smaller indexes for imports: none for sources, which nobody looks up, and none with an entry for each missing skill or
original; responses are looked up by the constraint that begins with them."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('annotation', '0032_prompt_embedding'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='taskresponse',
            name='task_response_once',
        ),
        migrations.RemoveIndex(
            model_name='response',
            name='response_source',
        ),
        migrations.AlterField(
            model_name='task',
            name='original',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='shown_again', to='annotation.task'),
        ),
        migrations.AlterField(
            model_name='task',
            name='skill',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='tasks', to='annotation.skill'),
        ),
        migrations.AlterField(
            model_name='taskresponse',
            name='response',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='task_responses', to='annotation.response'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('skill__isnull', False)), fields=['skill'], name='task_with_skill'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('original__isnull', False)), fields=['original'], name='task_shown_again'),
        ),
        migrations.AddConstraint(
            model_name='taskresponse',
            constraint=models.UniqueConstraint(fields=('response', 'task'), name='task_response_once'),
        ),
    ]
