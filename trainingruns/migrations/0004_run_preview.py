from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trainingruns", "0003_run_kinds")]

    operations = [
        migrations.AlterField(
            "run",
            "kind",
            models.CharField(
                max_length=8,
                choices=[
                    ("sft", "Supervised fine-tuning"),
                    ("dpo", "Direct preference optimisation"),
                    ("reward", "Reward model"),
                    ("ppo", "PPO"),
                    ("grpo", "GRPO"),
                    ("rloo", "RLOO"),
                    ("dapo", "DAPO"),
                    ("sample", "Sampling"),
                    ("fetch", "Fetch a base model"),
                    ("preview", "Preview"),
                ],
            ),
        ),
    ]
