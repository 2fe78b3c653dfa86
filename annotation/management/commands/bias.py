"""`manage.py bias SLUG`."""

from collections.abc import Iterator
from typing import Any

from annotation.management.report_command import ReportCommand, format_interval
from annotation.models import ProjectReport


class Command(ReportCommand):
    help = "Refreshes and prints what a project's choices and scores follow besides the text."
    section = ProjectReport.Section.BIAS

    def describe(self, content: dict[str, Any]) -> Iterator[str]:
        """The project's effects, then the severity of its people on each criterion."""
        yield from content["notes"].values()
        for each in content["project"]:
            yield f"{each['effect']}: {format_interval(each)}  {each['choices']:,} choices  {each['note']}".rstrip()
        for criterion in content["scores"]:
            if criterion["people"] is None:
                yield f"{criterion['criterion']}: {criterion['note']}"
            for person in criterion["people"] or ():
                severity, spread = (format_interval(person[name], digits=2) for name in ("severity", "spread"))
                yield f"{criterion['criterion']}, {person['pseudonym']}: severity {severity}, spread {spread}"
