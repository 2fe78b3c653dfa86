"""The production web server: `python -m config.web_server` becomes gunicorn with the site's options."""

import os
import sys

from config import env


def web_command(*, host: str, port: int, processes: int) -> list[str]:
    """The command line of gunicorn; `processes` is the default where WEB_PROCESSES says nothing."""
    options = {
        "--bind": f"{host}:{port}",
        "--worker-class": "gthread",
        "--workers": str(env.read_int("WEB_PROCESSES", processes, minimum=1)),
        "--threads": str(env.read_int("WEB_THREADS", 8, minimum=1)),
        "--timeout": "60",
        "--graceful-timeout": "10",
        # Longer than the idle time of common load balancers, so that they and not we close a connection.
        "--keep-alive": "75",
    }
    command = [sys.executable, "-m", "gunicorn", "config.wsgi:application", "--no-control-socket"]
    return command + [word for option in options.items() for word in option]


if __name__ == "__main__":
    # The process is replaced, so that signals reach the server itself.
    os.execv(sys.executable, web_command(host="0.0.0.0", port=env.read_int("PORT", 8000), processes=2))  # noqa: S104, S606
