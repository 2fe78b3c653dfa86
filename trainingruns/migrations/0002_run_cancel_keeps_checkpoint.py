from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trainingruns", "0001_initial")]

    operations = [
        migrations.AddField("run", "cancel_keeps_checkpoint", models.BooleanField(default=True)),
    ]
