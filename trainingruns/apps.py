from django.apps import AppConfig


class TrainingRunsConfig(AppConfig):
    """Snapshots, runs, the model registry and standing loops. Starts trainers as processes; never imports torch."""

    name = "trainingruns"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Training runs"
