"""`manage.py compare VERSION --against RIVAL`."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.exceptions import ApplicationError
from trainingruns.selectors.registry import find_version
from trainingruns.services.comparisons import RESPONSES_TO_SERVE, compare_policies


class Command(BaseCommand):
    help = "Puts a policy before people beside another one: both answer the project's prompts, people rank blindly."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("version", metavar="VERSION", help="NAME/NUMBER, NAME (its champion) or an id")
        parser.add_argument("--against", required=True, metavar="RIVAL", help="another policy, named in the same way")
        parser.add_argument(
            "--responses",
            type=int,
            default=RESPONSES_TO_SERVE,
            metavar="N",
            help=f"new responses that people should see at least (default {RESPONSES_TO_SERVE}); four a prompt at most",
        )
        parser.add_argument("--json", action="store_true", help="print the run's id, the versions and the prompts")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            version = find_version(reference=options["version"], kinds=["policy"])
            rival = find_version(reference=options["against"], kinds=["policy"])
            run = compare_policies(version=version, rival=rival, responses=options["responses"]).run
        except ApplicationError as error:
            raise CommandError(error.message) from error
        if options["json"]:
            facts = {"id": run.pk, "state": run.state, "version": version.pk, "against": rival.pk}
            self.stdout.write(json.dumps({**facts, "prompts": len(run.purpose["prompt_ids"])}))
            return
        self.stdout.write(
            f"{version} answers {len(run.purpose['prompt_ids'])} prompts in run {run.pk}; people then rank it blindly "
            f"against {rival}."
        )
