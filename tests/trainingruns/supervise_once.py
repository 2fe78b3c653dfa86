"""A worker of its own process: supervises one run of the given database with a slow fake trainer."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    database, artifacts, run_id = sys.argv[1:]
    sys.path.insert(0, str(Path.cwd()))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["ARTIFACTS_ROOT"] = artifacts
    import django
    from django.conf import settings

    settings.DATABASES["default"]["NAME"] = database
    django.setup()
    from tests.trainingruns.conftest import fake_command
    from trainingruns.supervisor import supervise_run

    supervise_run(run_id=int(run_id), build_command=fake_command(steps=500, seconds=0.1))
