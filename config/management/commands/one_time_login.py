"""`manage.py one_time_login [USER]`: prints a link that signs that person in once within ten minutes."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.models import User
from config import env
from config.one_time_login import make_one_time_link


class Command(BaseCommand):
    help = "Prints a link that signs one person in once within ten minutes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", nargs="?", default="manager", help="whose sign-in; default: the demo's manager")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active person with the user name {options['username']!r}.")
        if env.is_site_url_guessed():
            self.stderr.write(
                f"No site runs on {env.read_var_dir()}, so this link takes {settings.SITE_URL} for its address; "
                "set PORT or SITE_URL where it has another."
            )
        self.stdout.write(make_one_time_link(user=user))
