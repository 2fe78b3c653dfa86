"""The production web server: `python -m config.web_server` becomes granian with the site's options."""

import os
import sys

from config import env

PROCESSES = 2
"""One Python process fills one core at most, and while one is started again the other goes on."""


def web_command(*, host: str, port: int) -> list[str]:
    """The command line of granian (docs/adr/0008)."""
    options = {
        "--interface": "wsgi",
        "--host": host,
        "--port": str(port),
        "--http": "1",
        "--workers": str(env.read_int("WEB_PROCESSES", PROCESSES, minimum=1)),
        "--blocking-threads": str(env.read_int("WEB_THREADS", 4, minimum=1)),
        "--respawn-interval": "0.5",
        # Requests under way are finished; what hangs is ended after that time.
        "--workers-kill-timeout": "10",
    }
    switches = ["--no-ws", "--no-access-log", "--respawn-failed-workers"]
    command = [sys.executable, "-m", "granian", *switches]
    return [*command, *(word for option in options.items() for word in option), "config.wsgi:application"]


if __name__ == "__main__":
    # The process is replaced, so that signals reach the server itself.
    os.execv(sys.executable, web_command(host="0.0.0.0", port=env.read_int("PORT", 8000)))  # noqa: S104, S606
