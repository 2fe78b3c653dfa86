"""`manage.py import_judgments FILE --project SLUG`."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from annotation.exceptions import ApplicationError
from annotation.importers.concord import read_prompts
from annotation.importers.line_errors import ImportFileError
from annotation.importers.lines import split_lines
from annotation.importers.records import ImportedPrompt
from annotation.models import Project
from annotation.services.importing import ImportSummary, import_prompts
from annotation.services.projects import create_project


class Command(BaseCommand):
    help = "Imports prompts, responses and judgments from the interchange format (JSON Lines). All or nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="the file; - reads standard input")
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument(
            "--create",
            action="store_true",
            help="make the project: its kind from the first line, its criteria from the scores seen "
            "(smallest to largest value, continuous, optional)",
        )
        parser.add_argument("--kind", choices=["ranking", "scalar"], help="with --create: the kind to expect")
        parser.add_argument("--name", help="with --create: the project's name")
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                summary = self._import(options)
        except ImportFileError as error:
            self._report(options["file"], error)
            raise CommandError("Nothing was imported.") from None
        except ApplicationError as error:
            raise CommandError(error.message) from None
        counts = asdict(summary)
        text = json.dumps(counts) if options["json"] else ", ".join(f"{n:,} {name}" for name, n in counts.items())
        self.stdout.write(text)

    def _import(self, options: dict[str, Any]) -> ImportSummary:
        with open_input(options["file"]) as stream:
            prompts: Iterator[ImportedPrompt] = read_prompts(split_lines(stream))
            project = Project.objects.filter(slug=options["project"]).first()
            if project is None and not options["create"]:
                raise CommandError(f"There is no project {options['project']!r}; --create makes it.")
            infer = project is None
            if project is None:
                project, prompts = self._create_project(prompts, options)
            return import_prompts(project=project, prompts=prompts, actor=None, infer_criteria=infer)

    def _create_project(
        self, prompts: Iterator[ImportedPrompt], options: dict[str, Any]
    ) -> tuple[Project, Iterator[ImportedPrompt]]:
        first = list(_first(prompts))
        kind = options["kind"] or (first[0].kind if first else None)
        if kind is None:
            raise CommandError(f"{options['file']} holds no prompt, so the project's kind is unknown; give --kind.")
        project = create_project(
            name=options["name"] or options["project"], slug=options["project"], kind=kind, created_by=None
        )
        return project, chain(first, prompts)

    def _report(self, name: str, error: ImportFileError) -> None:
        for fault in error.errors:
            place = f"{name}:{fault.line}: {fault.field}" if fault.field else f"{name}:{fault.line}"
            self.stderr.write(f"{place}: {fault.message}")
        if error.more:
            self.stderr.write("There may be more; reading stopped here.")


def _first(prompts: Iterable[ImportedPrompt]) -> Iterator[ImportedPrompt]:
    for prompt in prompts:
        yield prompt
        return


def open_input(name: str) -> BinaryIO:
    """The file, or standard input for `-`. Raises: CommandError naming the file."""
    if name == "-":
        return sys.stdin.buffer
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.") from None
