"""The process boundary: starts a trainer on its run directory, asks it to stop, and makes sure that it is gone."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from trainingruns import leash
from trainingruns.models import Run

DEATH_SECONDS = 5.0
GRACE_SECONDS = 25.0
"""How long a trainer may take to write its checkpoint when asked to stop."""
SECRETS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "EMAIL_PASSWORD")
"""Variables that a trainer has no use for, each also as `<NAME>_FILE`."""

BuildCommand = Callable[[Run, Path], list[str]]


def trainer_command(run: Run, directory: Path) -> list[str]:
    """The very command that a researcher would type for this run."""
    if run.kind == Run.Kind.FETCH:
        return [sys.executable, "-m", "rewardmodel", "fetch-base", str(directory / "model")]
    package = "rewardmodel" if run.kind == Run.Kind.REWARD else "rltrainer"
    if run.kind == Run.Kind.PREVIEW:
        number = str(run.purpose.get("prompt", 0))
        return [sys.executable, "-m", package, "preview", str(directory), "--save", "--prompt", number]
    verb = "sample" if run.kind == Run.Kind.SAMPLE else "train"
    return [sys.executable, "-m", package, verb, str(directory)]


class TrainerProcess:
    """A trainer on its leash, in a session of its own; `log.txt` takes what it prints."""

    def __init__(self, command: list[str], *, directory: Path, fencing_token: int) -> None:
        self.directory = directory
        self._asked = False
        with (directory / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    leash.__file__,
                    str(directory),
                    str(fencing_token),
                    str(GRACE_SECONDS),
                    *command,
                ],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=settings.BASE_DIR,
                env=environment_without_secrets(os.environ),
                start_new_session=True,
            )

    def wait(self, seconds: float) -> int | None:
        """The exit code, or None when it still runs after that time. 128 + n (or -n): ended by signal n."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def ask_to_stop(self) -> None:
        """SIGTERM, once: a trainer writes a checkpoint and leaves; a second one would cost it the checkpoint."""
        if not self._asked and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self._asked = True

    def kill(self) -> None:
        """End the whole process group now; nothing of it is at work in the directory afterwards."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.close()
        self._wait_until_let_go()

    def _wait_until_let_go(self) -> None:
        """The kernel drops the lock with the last process of the tree that held it."""
        deadline = time.monotonic() + DEATH_SECONDS
        while is_held(self.directory) and time.monotonic() < deadline:
            time.sleep(0.02)

    def close(self) -> None:
        """Let go of the leash's stdin."""
        if self.process.stdin is not None:
            self.process.stdin.close()


def is_held(directory: Path) -> bool:
    """Whether a trainer's process tree still has its hands on the directory."""
    with (directory / ".leash").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def environment_without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a trainer: ours, but for what would let it into the site."""
    hidden = {*SECRETS, *(f"{name}_FILE" for name in SECRETS)}
    return {name: value for name, value in environment.items() if name not in hidden}


def describe_signal(code: int) -> str | None:
    """`SIGKILL` for the exit code of a process that a signal ended, else None."""
    number = -code if code < 0 else code - 128
    try:
        return signal.Signals(number).name
    except ValueError:
        return None
