"""The web server: `python -m config.web_server` serves the site by granian with its options (docs/adr/0008)."""

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.server.mp import MPServer

from config import env

PROCESSES = 2
"""One Python process fills one core at most, and while one is started again the other goes on."""
RESPAWN_PAUSE_SECONDS = 0.2


def share_of_processors(number: int, processes: int) -> set[int]:
    """The processors that one of several equal processes keeps to; all of them are in somebody's share."""
    allowed = sorted(os.sched_getaffinity(0))
    shares = min(processes, len(allowed))
    return set(allowed[number % shares :: shares])


def load_on(processors: set[int], load: Callable[[], Any]) -> Any:
    """What `load` gives, in a process that keeps to these processors from here on, with all its threads."""
    os.sched_setaffinity(0, processors)
    return load()


class SteadyServer(MPServer):
    """Granian with two habits more.

    A process that died is started again however often it dies; granian itself gives up at the second time in 5.5 s.
    Each process keeps to its share of the processors: its threads hand Python's lock to each other all the time, which
    across two processors costs a tenth to a sixth of all calls.
    """

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Any) -> Any:  # type: ignore[override]
        if hasattr(os, "sched_setaffinity"):  # Linux
            callback_loader = partial(load_on, share_of_processors(idx, self.workers), callback_loader)
        return super()._spawn_worker(idx, target, callback_loader)

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
