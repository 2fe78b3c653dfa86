from django.apps import AppConfig


class AnnotationConfig(AppConfig):
    """People judge responses. Knows nothing of training."""

    name = "annotation"
    default_auto_field = "django.db.models.BigAutoField"
