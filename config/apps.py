"""The house itself as a Django app: its commands, and the Celery app loaded wherever Django is."""

from django.apps import AppConfig


class HouseConfig(AppConfig):
    name = "config"
    verbose_name = "Concord"

    def ready(self) -> None:
        # Whoever sends a job by name needs the app with its broker and routes, not Celery's default one.
        from config import celery  # noqa: F401
