"""The web server: `python -m config.web_server` serves the site by granian with its options (docs/adr/0008)."""

import argparse
import sys
import time
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.server.mp import MPServer

from config import env

PROCESSES = 2
"""One Python process fills one core at most, and while one is started again the other goes on."""
RESPAWN_PAUSE_SECONDS = 0.2


class SteadyServer(MPServer):
    """Starts a process that died again however often it dies; granian itself gives up at the second time in 5.5 s."""

    def _respawn_workers(self, *arguments: Any, **options: Any) -> None:
        time.sleep(RESPAWN_PAUSE_SECONDS)
        super()._respawn_workers(*arguments, **options)
        self.respawned_wrks.clear()


def web_command(*, host: str, port: int) -> list[str]:
    """The command line of the server."""
    return [sys.executable, "-m", "config.web_server", "--host", host, "--port", str(port)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m config.web_server", description="Serves the site.")
    parser.add_argument("--host", default="0.0.0.0")  # noqa: S104  a container's port is published by its owner
    parser.add_argument("--port", type=int, default=env.read_int("PORT", 8000, minimum=1))
    given = parser.parse_args()
    SteadyServer(
        "config.wsgi:application",
        address=given.host,
        port=given.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=env.read_int("WEB_PROCESSES", PROCESSES, minimum=1),
        blocking_threads=env.read_int("WEB_THREADS", 4, minimum=1),
        respawn_failed_workers=True,
        # Requests under way are finished; what hangs is ended after that time.
        workers_kill_timeout=10,
    ).serve()


if __name__ == "__main__":
    main()
