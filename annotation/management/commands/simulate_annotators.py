"""`manage.py simulate_annotators SLUG --annotators N --noise X --seed S`."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.exceptions import ApplicationError, Conflict
from annotation.models import Project
from annotation.services.simulating import simulate_annotators


class Command(BaseCommand):
    help = "Lets simulated annotators judge a project's open tasks. They are marked as simulated wherever they show."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", metavar="SLUG")
        parser.add_argument("--annotators", type=int, required=True, metavar="N")
        parser.add_argument(
            "--noise",
            type=float,
            required=True,
            metavar="X",
            help="standard deviation of what they see around a response's hidden worth (0 to 1); 0.05 agrees well",
        )
        parser.add_argument("--seed", type=int, required=True, metavar="S")
        parser.add_argument("--per-annotator", type=int, metavar="M", help="how many tasks each does at most")
        parser.add_argument("--yes", action="store_true", help="also in a project in which people have judged")
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']!r}.")
        if options["annotators"] < 1 or options["noise"] < 0:
            raise CommandError("--annotators must be at least 1 and --noise at least 0.")
        try:
            summary = simulate_annotators(
                project=project,
                annotators=options["annotators"],
                noise=options["noise"],
                seed=options["seed"],
                per_annotator=options["per_annotator"],
                beside_people=options["yes"],
            )
        except Conflict as error:
            hint = " Give --yes if that is meant." if error.code == "has_real_judgments" else ""
            raise CommandError(error.message + hint) from None
        except ApplicationError as error:
            raise CommandError(error.message) from None
        rate = summary.judgments / summary.seconds if summary.seconds else 0.0
        text = f"{summary.judgments:,} simulated judgments by {summary.annotators} simulated annotators, {rate:.0f}/s"
        special = {purpose: count for purpose, count in sorted(summary.purposes.items()) if purpose != "normal"}
        if special:
            text += f" (among them {', '.join(f'{count:,} of {purpose}' for purpose, count in special.items())})"
        self.stdout.write(json.dumps(asdict(summary)) if options["json"] else text)
