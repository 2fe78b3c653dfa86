from django.apps import AppConfig


class AnnotationConfig(AppConfig):
    """People judge responses. Knows nothing of training."""

    name = "annotation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Connects the receivers.
        from annotation.web import sign_in_audit  # noqa: F401
