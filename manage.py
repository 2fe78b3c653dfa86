#!/usr/bin/env python
"""Runs a command of the site; the services it needs are joined or started for its own time."""

import os
import sys

# All others read the settings, help texts too, and the settings name the database and the broker.
WITHOUT_SERVICES = {"version", "--version"}


def main() -> None:
    """Ensures the services, then hands over to Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from config import env
    from config.service_account import ServiceError
    from config.services import ensure_services

    if not env.is_given("LOG_LEVEL"):
        # A command says itself what it did; what is logged on the way is for processes that stay.
        env.export({"LOG_LEVEL": "WARNING"})
    if len(sys.argv) > 1 and sys.argv[1] not in WITHOUT_SERVICES:
        try:
            ensure_services()
        except ServiceError as error:
            sys.exit(f"manage.py: {error}")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
