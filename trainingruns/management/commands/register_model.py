"""`manage.py register_model NAME FOLDER`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.exceptions import ApplicationError
from trainingruns.models import ModelVersion
from trainingruns.services.registry import register_base_version


class Command(BaseCommand):
    help = "Registers a Hugging Face folder as a model that every project may start from."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("folder", type=Path)
        parser.add_argument("--kind", choices=ModelVersion.Kind.values, default="policy", help="default: policy")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = str(options["folder"].resolve())
        try:
            version = register_base_version(name=options["name"], folder=folder, kind=options["kind"])
        except ApplicationError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{version.name}/{version.number} ({version.stage}), sha256 {version.sha256}")
