"""Gives the tests a Postgres and a Valkey of their own, before anything reads the settings.

Loaded by `-p` in pyproject.toml: pytest-django reads the settings before any conftest hook runs. The services live in
a folder under /tmp and are gone with it at the end, so tests pass while a site runs from the same checkout. Workers of
pytest-xdist inherit the addresses and make their own test databases.
"""

import atexit
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

PREFIX = "concord-test-"
STALE_SECONDS = 600
"""A younger folder may belong to a session that is about to start its servers."""


def start_services() -> None:
    """Starts what is not given by DATABASE_URL / REDIS_URL and arranges its end."""
    from config import env
    from config.services import ensure_services, release_services, service_is_running

    if env.is_given("CONCORD_EMBEDDED"):
        keep_apart(os.environ.get("PYTEST_XDIST_WORKER", ""))
        return
    for stale in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        is_old = time.time() - stale.stat().st_mtime > STALE_SECONDS
        if is_old and not any(service_is_running(folder) for folder in stale.glob("services/*")):
            shutil.rmtree(stale, ignore_errors=True)
    home = Path(tempfile.mkdtemp(prefix=PREFIX))
    # The user that Postgres runs under must be able to pass through.
    home.chmod(0o711)
    env.export({"CONCORD_MODE": "test", "CONCORD_VAR": str(home), "CONCORD_FSYNC": "no"})
    ensure_services()

    def end() -> None:
        release_services()
        shutil.rmtree(home, ignore_errors=True)

    atexit.register(end)


def keep_apart(worker: str) -> None:
    """Gives each worker of pytest-xdist a Redis database of its own; clearing a cache empties a whole one."""
    from config import env

    if worker:
        server = env.read_text("REDIS_URL").rpartition("/")[0]
        env.export({"REDIS_URL": f"{server}/{1 + int(worker.removeprefix('gw')) % 15}"})


# Django refuses database calls inside the event loop that playwright keeps in the main thread, unless told otherwise.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
if not {"--help", "-h", "--version"} & set(sys.argv):
    start_services()
