"""`manage.py consensus SLUG`."""

from collections.abc import Iterator
from typing import Any

from annotation.management.report_command import ReportCommand, format_interval
from annotation.models import ProjectReport

SHOWN_PEOPLE = 20


class Command(ReportCommand):
    help = "Refreshes what a project's people say together, and prints the sources and the people."
    section = ProjectReport.Section.CONSENSUS

    def describe(self, content: dict[str, Any]) -> Iterator[str]:
        """Sources, then the crowd, then its busiest people."""
        yield from dict.fromkeys(content["notes"].values())
        for each in (content["leaderboard"] or {"sources": []})["sources"]:
            worth = format_interval({**each, "value": each["worth"]}, digits=2)
            ranks = f"rank {each['best_rank']} to {each['worst_rank']}"
            yield f"{each['source']}: worth {worth}, wins {each['win_share']:.0%}, {ranks}"
        if content["crowd"] is None:
            return
        yield f"position bias of the crowd: {format_interval(content['crowd']['position_bias'])}"
        for person in content["people"][:SHOWN_PEOPLE]:
            reliability = format_interval(person["reliability"], digits=2)
            bias = format_interval(person["position_bias"], digits=2)
            choices = f"{person['choices']:,} choices"
            yield f"{person['pseudonym']}: {choices}, reliability {reliability}, position bias {bias}"
