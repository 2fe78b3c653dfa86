"""`manage.py judged_groups RUN --out FILE`."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.exceptions import ApplicationError
from trainingruns.artifacts import artifact_path
from trainingruns.models import Run
from trainingruns.run_directory import directory_name, json_lines, write_atomically
from trainingruns.selectors.judged_groups import JudgedGroups, read_judged_groups


class Command(BaseCommand):
    help = "Writes a sample run's responses with people's scores, for a policy run with rollout.source=judged."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", type=int, metavar="RUN", help="id of a sample run with sampling.keep_log_probs")
        parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="for RUN_DIR/data/groups.jsonl")
        parser.add_argument("--without-simulated", action="store_true", help="leave out simulated annotators")
        parser.add_argument("--json", action="store_true", help="print the counts for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        run = Run.objects.select_related("project").filter(pk=options["run"]).first()
        if run is None:
            raise CommandError(f"There is no run {options['run']}.")
        try:
            found = read_judged_groups(
                run=run,
                directory=artifact_path(directory_name(run)),
                exclude_simulated=options["without_simulated"],
            )
        except ApplicationError as error:
            raise CommandError(error.message) from error
        if not found.groups:
            raise CommandError(f"People have not judged all responses to any prompt of run {run.pk} yet.")
        try:
            write_atomically(options["out"], json_lines(found.groups))
        except OSError as error:
            raise CommandError(f"{options['out']} cannot be written: {error}") from error
        self.stdout.write(_as_json(found) if options["json"] else _as_text(found, options["out"]))


def _as_json(found: JudgedGroups) -> str:
    return json.dumps({"groups": len(found.groups), "left_out": dict(found.left_out)})


def _as_text(found: JudgedGroups, path: Path) -> str:
    left_out = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in sorted(found.left_out.items()))
    return f"{len(found.groups)} groups in {path}" + (f"; left out: {left_out}" if left_out else "")
