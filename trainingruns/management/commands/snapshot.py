"""`manage.py snapshot SLUG`."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.exceptions import ApplicationError
from annotation.models import Project
from trainingruns.models import Snapshot
from trainingruns.services.snapshots import create_snapshot


class Command(BaseCommand):
    help = "Freezes a project's judgments into a hashed dataset, split by prompt."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", metavar="SLUG")
        parser.add_argument(
            "--view",
            choices=Snapshot.View.values,
            default="majority",
            help="default: majority, which is more votes for one side than for the other (an export's majority is more "
            "than half of those who compared)",
        )
        parser.add_argument("--eval-share", type=float, default=0.1, help="share of prompts held out (default 0.1)")
        parser.add_argument("--seed", type=int, default=0, help="of the split (default 0)")
        parser.add_argument("--without-simulated", action="store_true", help="leave out simulated annotators")
        parser.add_argument("--with-gold", action="store_true", help="take tasks with a known answer as well")
        parser.add_argument(
            "--demonstrations",
            action="append",
            default=[],
            metavar="SOURCE",
            help="responses of this source were written to be imitated (may be given again)",
        )
        parser.add_argument("--json", action="store_true", help="print the manifest with id and sha256 for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']!r}.")
        try:
            snapshot = create_snapshot(
                project=project,
                view=options["view"],
                eval_share=options["eval_share"],
                seed=options["seed"],
                filters={
                    "exclude_simulated": options["without_simulated"],
                    "exclude_gold": not options["with_gold"],
                    "demonstration_sources": options["demonstrations"],
                },
            )
        except ApplicationError as error:
            raise CommandError(error.message) from error
        self.stdout.write(_as_json(snapshot) if options["json"] else _as_text(snapshot))


def _as_json(snapshot: Snapshot) -> str:
    return json.dumps({"id": snapshot.pk, "sha256": snapshot.sha256, "path": snapshot.path, **snapshot.manifest})


def _as_text(snapshot: Snapshot) -> str:
    counts = snapshot.manifest["counts"]
    dropped = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in snapshot.manifest["dropped"].items())
    return (
        f"Snapshot {snapshot.pk} ({snapshot}): {snapshot.train_pairs} pairs to train on, "
        f"{snapshot.eval_pairs} held out, "
        f"from {snapshot.judgments} judgments; dropped: {dropped or 'none'}.\n"
        f"{counts['train_examples']} responses to imitate, {counts['eval_examples']} held out.\n"
        f"sha256 {snapshot.sha256}"
    )
