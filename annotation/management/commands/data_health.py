"""`manage.py data_health SLUG`."""

from collections.abc import Iterator
from typing import Any

from annotation.management.report_command import ReportCommand
from annotation.models import ProjectReport


class Command(ReportCommand):
    help = "Refreshes and prints what is wrong with a project's prompts, responses and judgments."
    section = ProjectReport.Section.DATA_HEALTH

    def describe(self, content: dict[str, Any]) -> Iterator[str]:
        """One line a check."""
        for check in content["checks"]:
            if check["count"] is None:
                yield f"{check['dimension']}, {check['check']}: {check['note']}"
                continue
            share = f" of {check['of']:,}" if check["of"] is not None else ""
            value = "" if check["value"] is None else f"  {check['value']:.3f}"
            yield f"{check['dimension']}, {check['check']}: {check['count']:,}{share}{value}  {check['note']}".rstrip()
