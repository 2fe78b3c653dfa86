"""`manage.py import_judgments FILE --project SLUG`."""

import json
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from annotation.exceptions import ApplicationError
from annotation.importers.choosing import ImportPlan, plan_import
from annotation.importers.formats.table import FORMATS
from annotation.importers.line_errors import MOST_ERRORS, FileErrors, ImportFileError, LineError
from annotation.importers.records import ImportedPrompt
from annotation.importers.sources.opening import open_source
from annotation.importers.sources.row import SourceError
from annotation.models import Project
from annotation.services.importing import ImportSummary, import_prompts
from annotation.services.projects import create_project

Found = ImportedPrompt | LineError


class Command(BaseCommand):
    help = (
        "Imports prompts, responses and judgments, all of a file or nothing of it. The format is recognised, or named: "
        + "; ".join(f"{each.name}: {each.description}" for each in FORMATS.values())
    )

    # They load every page of the site, which takes longer than most imports; the site runs them when it starts.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="a file (.gz too), a dataset's folder or its hub id; - reads standard input")
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--format", choices=list(FORMATS), help="when it should not be recognised")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="COLUMN=FIELD",
            help="gives a column to a field; once a column",
        )
        parser.add_argument("--split", help="of a dataset that has several")
        parser.add_argument("--dry-run", action="store_true", help="do everything but keep nothing")
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
                transaction.set_rollback(options["dry_run"])
        except ImportFileError as error:
            self._report(options["file"], error)
            raise CommandError("Nothing was imported.") from None
        except ApplicationError as error:
            raise CommandError(error.message) from None
        except SourceError as error:
            raise CommandError(str(error)) from None
        counts = asdict(summary)
        if options["json"]:
            self.stdout.write(json.dumps(counts | ({"dry_run": True} if options["dry_run"] else {})))
            return
        text = ", ".join(f"{n:,} {name}" for name, n in counts.items())
        self.stdout.write(f"Nothing was kept; it would be: {text}" if options["dry_run"] else text)

    def _import(self, options: dict[str, Any]) -> ImportSummary:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None and not options["create"]:
            raise CommandError(f"There is no project {options['project']!r}; --create makes it.")
        with open_source(options["file"], options["split"]) as (rows, container):
            plan = plan_import(
                rows,
                container,
                format_name=options["format"],
                mapping=read_mapping(options["map"]),
                kind=project.kind if project else options["kind"],
            )
            prompts: Iterator[Found] = plan.read()
            infer = project is None
            if project is None:
                project, prompts = self._create_project(plan, prompts, options)
            return import_prompts(project=project, prompts=prompts, actor=None, infer_criteria=infer)

    def _create_project(
        self, plan: ImportPlan, found: Iterator[Found], options: dict[str, Any]
    ) -> tuple[Project, Iterator[Found]]:
        """The project, of the kind of the first prompt; where there is none, the errors say why."""
        first = list(_up_to_a_prompt(found))
        kind = options["kind"] or (first[-1].kind if first and isinstance(first[-1], ImportedPrompt) else None)
        if kind is None:
            _raise_errors(first)
            raise CommandError(f"{options['file']} holds no prompt, so the project's kind is unknown; give --kind.")
        project = create_project(
            name=options["name"] or options["project"], slug=options["project"], kind=kind, created_by=None
        )
        return project, chain(first, found)

    def _report(self, name: str, error: ImportFileError) -> None:
        for fault in error.errors:
            place = f"{name}:{fault.line}: {fault.field}" if fault.field else f"{name}:{fault.line}"
            self.stderr.write(f"{place}: {fault.message}")
        if error.more:
            self.stderr.write("There may be more; reading stopped here.")


def read_mapping(pairs: Iterable[str]) -> dict[str, str]:
    """`COLUMN=FIELD`, once a column. Raises: CommandError"""
    mapping: dict[str, str] = {}
    for pair in pairs:
        column, equals, field = pair.rpartition("=")
        if not equals or not column or not field:
            raise CommandError(f"--map {pair!r} must have the form COLUMN=FIELD.")
        if column in mapping:
            raise CommandError(f"--map gives the column {column!r} twice.")
        mapping[column] = field
    return mapping


def _up_to_a_prompt(found: Iterable[Found]) -> Iterator[Found]:
    for number, each in enumerate(found, start=1):
        yield each
        if isinstance(each, ImportedPrompt) or number >= MOST_ERRORS:
            return


def _raise_errors(found: Iterable[Found]) -> None:
    errors = FileErrors()
    for each in found:
        if isinstance(each, LineError):
            errors.add(each)
    errors.raise_if_any()
