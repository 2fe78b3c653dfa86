"""`manage.py load_demo`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.exceptions import ApplicationError
from trainingruns.services.demo import load_demo
from trainingruns.services.scoring_demo import load_scoring_demo


class Command(BaseCommand):
    help = (
        "Makes the two demo projects: one whose prompts the base model answers, for people to rank, and one with "
        "responses to score. Safe to repeat."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.load_ranking()
            self.load_scoring()
        except ApplicationError as error:
            raise CommandError(error.message) from None

    def load_ranking(self) -> None:
        """Says which run answers the prompts."""
        project, run = load_demo()
        doing = f"{run} is {run.state}" if run is not None else "nothing is left to do"
        self.stdout.write(f"Project {project.slug}: {project.prompts.count()} prompts, {doing}.")

    def load_scoring(self) -> None:
        """Says how much there is to score."""
        project = load_scoring_demo()
        self.stdout.write(f"Project {project.slug}: {project.tasks.count()} responses to score.")
