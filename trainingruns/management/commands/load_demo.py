"""`manage.py load_demo`."""

from typing import Any

from django.core.management.base import BaseCommand

from trainingruns.services.demo import load_demo


class Command(BaseCommand):
    help = "Makes the demo project and has its prompts answered by the base model. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        project, run = load_demo()
        doing = f"{run} is {run.state}" if run is not None else "nothing is left to do"
        self.stdout.write(f"Project {project.slug}: {project.prompts.count()} prompts, {doing}.")
