"""What a process of the site prints: all of it in var/log/NAME.log, and what concerns a person on the terminal too."""

import re
from pathlib import Path

from config import env

LOG_BYTES = 5_000_000
NAME_WIDTH = 10

# How lines below a warning begin: structlog's for a terminal, then granian's. JSON lines, if asked for, are all shown.
_MINOR = re.compile(r"(?:\S+Z )?\[(?:debug|info) *\]", re.IGNORECASE)
_OUR_LOGGER = re.compile(r" \[(?:annotation|trainingruns|config)\.[\w.]+\]")
# Celery prints these past all logging as it stops. The advice on Ctrl-C is wrong here: it never reaches the workers.
_FAREWELL = re.compile(r"\s*$|worker: (?:Warm|Cold) shutdown|worker: Hitting Ctrl\+C again")


def log_folder() -> Path:
    """Where the logs of the site's processes are."""
    return env.read_var_dir() / "log"


def concerns_a_person(line: str) -> bool:
    """Warnings, errors, tracebacks and whatever else is no log line; of mere information only what our code says."""
    if _MINOR.match(line):
        return bool(_OUR_LOGGER.search(line))
    return not _FAREWELL.match(line)


class ProcessLog:
    """The log of one process; at LOG_BYTES the file becomes NAME.log.1 and a new one begins."""

    def __init__(self, name: str) -> None:
        self.name = name
        log_folder().mkdir(parents=True, exist_ok=True)
        self.path = log_folder() / f"{name}.log"
        self._file = self.path.open("a", encoding="utf-8")

    def take(self, line: str) -> None:
        """Keeps one line, and shows it behind the name of its process if it concerns a person."""
        self._file.write(f"{line}\n")
        self._file.flush()
        if self._file.tell() > LOG_BYTES:
            self._begin_anew()
        if concerns_a_person(line):
            print(f"{self.name:<{NAME_WIDTH}}| {line}", flush=True)

    def _begin_anew(self) -> None:
        self._file.close()
        self.path.replace(self.path.with_suffix(".log.1"))
        self._file = self.path.open("a", encoding="utf-8")
