from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trainingruns", "0005_snapshot_consensus_view")]

    operations = [
        migrations.AlterField(
            model_name="snapshot",
            name="view",
            field=models.CharField(
                choices=[
                    ("judgments", "every judgment's pairs"),
                    ("majority", "one record a pair, with the votes"),
                    ("consensus", "one record a pair, as the crowd together sees it"),
                    ("verdicts", "one record a pair: the reviewer's verdict where there is one, else the votes"),
                ],
                default="majority",
                max_length=10,
            ),
        ),
    ]
