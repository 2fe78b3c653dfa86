"""What the commands that print a section of a report share."""

import json
from abc import ABC, abstractmethod
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError

from annotation.models import Project
from annotation.services.project_reports import refresh_project_report


class ReportCommand(ABC, BaseCommand):
    """`manage.py SECTION SLUG [--json]`: brings the section up to date and prints it."""

    section: ClassVar[str]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", metavar="SLUG")
        parser.add_argument("--json", action="store_true", help="print the whole report for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']!r}.")
        content = refresh_project_report(project=project, section=self.section).content
        if options["json"]:
            self.stdout.write(json.dumps(content, ensure_ascii=False))
            return
        for line in self.describe(content):
            self.stdout.write(line)

    @abstractmethod
    def describe(self, content: dict[str, Any]) -> Iterator[str]:
        """The report as lines for people."""


def format_interval(found: dict[str, Any] | None, *, digits: int = 3) -> str:
    """A number with its interval; a dash where it is undefined."""
    if found is None or found["value"] is None:
        return "–"
    text = f"{found['value']:.{digits}f}"
    return text if found["low"] is None else f"{text} [{found['low']:.{digits}f}, {found['high']:.{digits}f}]"
