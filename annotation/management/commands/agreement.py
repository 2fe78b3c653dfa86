"""`manage.py agreement SLUG`."""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.agreement.pair_table import PairRecord
from annotation.agreement.report import RESAMPLES, StatisticRecord
from annotation.agreement.trend import TrendRecord
from annotation.models import Project
from annotation.selectors.agreement_details import load_pairs_of_people, load_trend
from annotation.selectors.person_figures import SHARES, PersonRecord, all_figures
from annotation.services.reports import SEED, compute_statistics, refresh_agreement_report


class Command(BaseCommand):
    help = "Refreshes a project's agreement report and prints its statistics, or one of its other parts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", metavar="SLUG")
        parser.add_argument("--json", action="store_true", help="print a list of records for machines")
        parser.add_argument(
            "--part",
            choices=[STATISTICS, *PARTS, ALL],
            default=STATISTICS,
            help="what to print: the statistics (the default), week by week, every two people, everybody, or all of "
            "it, which as JSON is an object with a list for each part",
        )
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
        if (seed, resamples) != (SEED, RESAMPLES) and options["part"] != STATISTICS:
            raise CommandError("--seed and --resamples change the statistics only; leave them out or leave out --part.")
        if (seed, resamples) == (SEED, RESAMPLES):
            records: list[Any] = refresh_agreement_report(project=project).statistics
        else:
            records = list(compute_statistics(project=project, seed=seed, resamples=resamples))
        parts = [STATISTICS, *PARTS] if options["part"] == ALL else [options["part"]]
        found = {part: records if part == STATISTICS else list(PARTS[part][0](project)) for part in parts}
        if options["json"]:
            told = found if options["part"] == ALL else found[options["part"]]
            self.stdout.write(json.dumps(told, ensure_ascii=False))
            return
        for part, rows in found.items():
            line: Callable[[Any], str] = describe if part == STATISTICS else PARTS[part][1]
            for record in rows:
                self.stdout.write(line(record))


def describe(record: StatisticRecord) -> str:
    """One statistic as a line for people."""
    name = f"{record['criterion']}: {record['statistic']} ({record['level']})"
    if record["value"] is None:
        return f"{name}  undefined. {record['note']}"
    interval = "" if record["low"] is None else f"  [{record['low']:.4f}, {record['high']:.4f}]"
    basis = f"{record['units']:,} units, {record['annotators']:,} annotators, {record['judgments']:,} judgments"
    return f"{name}  {record['value']:.4f}{interval}  {basis}"


def describe_week(record: TrendRecord) -> str:
    """One number of one week as a line for people."""
    name = f"{record['week']}  {record['criterion']}: {record['statistic']} ({record['level']})"
    return f"{name}  {_number(record)}  {record['tasks']:,} tasks"


def describe_pair(record: PairRecord) -> str:
    """Two people as a line for people."""
    name = f"{record['criterion']}: {record['first']} and {record['second']}"
    return f"{name}  {_number(record)}  {record['tasks']:,} shared tasks"


def describe_person(record: PersonRecord) -> str:
    """One person as lines for people."""
    lines = [f"{record['pseudonym']}  {record['judgments']:,} judgments"]
    lines += [f"  {name}  {_number(record[name])}" for name in SHARES]  # type: ignore[literal-required]
    return "\n".join(lines + [f"  {sentence}" for sentence in (record["pause"] or {"sentences": []})["sentences"]])


def _number(record: Any) -> str:
    if record["value"] is None:
        return str(record["note"])
    interval = "" if record["low"] is None else f"  [{record['low']:.4f}, {record['high']:.4f}]"
    return f"{record['value']:.4f}{interval}"


def _pairs(project: Project) -> Iterable[PairRecord]:
    return (record for table in load_pairs_of_people(project=project) for record in table.records())


STATISTICS, ALL = "statistics", "all"
PARTS: dict[str, tuple[Callable[[Project], Iterable[Any]], Callable[[Any], str]]] = {
    "trend": (lambda project: load_trend(project=project), describe_week),
    "pairs": (_pairs, describe_pair),
    "people": (lambda project: all_figures(project=project), describe_person),
}
