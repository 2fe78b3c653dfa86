"""`manage.py prepare_site`: brings database and demo up to date; stdout tells how to sign in."""

import sys
from typing import Any

from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from annotation.models import User
from config.one_time_login import make_one_time_link

DEMO_MANAGER = "manager"


class Command(BaseCommand):
    help = "Migrates and loads the demo; prints a one-time sign-in link."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="leave the demo project out")

    def handle(self, *args: Any, **options: Any) -> None:
        self.migrate()
        if not options["no_demo"]:
            self.load_demo()
        self.stdout.write(sign_in_hint())

    def migrate(self) -> None:
        """Applies what is missing, and says only how much that was."""
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        call_command("migrate", interactive=False, verbosity=0)
        if missing:
            self.stderr.write(f"The database is up to date: {len(missing)} migrations were applied.")

    def load_demo(self) -> None:
        """The site is of use without the demo, so its failure is said loudly but stops nothing."""
        if "load_demo" not in get_commands():
            self.stderr.write("The demo was not loaded: there is no command load_demo.")
            return
        try:
            call_command("load_demo", stdout=sys.stderr)
        except CommandError as error:
            self.stderr.write(f"The demo was not loaded: {error}")


def sign_in_hint() -> str:
    """What to tell the person in front of a fresh site."""
    user = User.objects.filter(username=DEMO_MANAGER, is_active=True).first()
    if user is None:
        return "There is no demo; `make admin` creates the first account."
    return f"Sign in as the demo's manager (once, within ten minutes): {make_one_time_link(user=user)}"
