from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("annotation", "0003_slot_by_token")]

    operations = [migrations.AddField("keptanswer", "shown_order", models.JSONField(default=list))]
