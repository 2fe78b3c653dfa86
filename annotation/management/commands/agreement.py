"""`manage.py agreement SLUG`."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.agreement.report import RESAMPLES, StatisticRecord
from annotation.models import Project
from annotation.services.reports import SEED, compute_statistics, refresh_agreement_report


class Command(BaseCommand):
    help = "Refreshes a project's agreement report and prints its statistics."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", metavar="SLUG")
        parser.add_argument("--json", action="store_true", help="print a list of records for machines")
        parser.add_argument("--resamples", type=int, default=RESAMPLES, help=f"of the bootstrap (default {RESAMPLES})")
        parser.add_argument(
            "--seed",
            type=int,
            default=SEED,
            help=f"of the bootstrap (default {SEED}); with another seed or number of resamples nothing is stored",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']!r}.")
        seed, resamples = options["seed"], options["resamples"]
        if resamples < 1 or seed < 0:
            raise CommandError("--resamples must be at least 1 and --seed at least 0.")
        if (seed, resamples) == (SEED, RESAMPLES):
            statistics = refresh_agreement_report(project=project).statistics
        else:
            statistics = compute_statistics(project=project, seed=seed, resamples=resamples)
        if options["json"]:
            self.stdout.write(json.dumps(statistics, ensure_ascii=False))
            return
        for record in statistics:
            self.stdout.write(describe(record))


def describe(record: StatisticRecord) -> str:
    """One statistic as a line for people."""
    name = f"{record['criterion']}: {record['statistic']} ({record['level']})"
    if record["value"] is None:
        return f"{name}  undefined. {record['note']}"
    interval = "" if record["low"] is None else f"  [{record['low']:.4f}, {record['high']:.4f}]"
    basis = f"{record['units']:,} units, {record['annotators']:,} annotators, {record['judgments']:,} judgments"
    return f"{name}  {record['value']:.4f}{interval}  {basis}"
