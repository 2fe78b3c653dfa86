"""One process of the site under the supervisor: started, its lines passed on, restarted, stopped."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping

from config import env
from config.parent_death import die_with_parent
from config.process_log import ProcessLog

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0


class ChildProcess:
    """A command that is kept running; its output goes to its log by `pass_on_lines`, which never blocks."""

    def __init__(self, name: str, command: list[str], extra_environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.log = ProcessLog(name)
        self.command = command
        self.extra_environment = dict(extra_environment or {})
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.restart_at: float | None = None
        self.pause_seconds = FIRST_PAUSE_SECONDS
        self._rest = b""

    def start(self) -> None:
        """Starts the command in a session of its own, so that Ctrl-C reaches the supervisor alone."""
        self.started_at = time.monotonic()
        self.restart_at = None
        self.process = subprocess.Popen(
            self.command,
            cwd=env.BASE_DIR,
            env=env.child_environment(PYTHONUNBUFFERED="1", **self.extra_environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        os.set_blocking(self.output(), False)

    def output(self) -> int:
        """The descriptor to wait on for more lines."""
        assert self.process is not None
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    def pass_on_lines(self) -> bool:
        """Hands the log the whole lines since the last call; False once the output has ended."""
        try:
            chunk = os.read(self.output(), 65536)
        except BlockingIOError:
            return True
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if not chunk and self._rest:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            self.log.take(line.decode("utf-8", "replace"))
        return bool(chunk)

    def exit_code(self) -> int | None:
        """None while the command runs."""
        return self.process.poll() if self.process is not None else None

    def plan_restart(self) -> float:
        """Decides when to start again after a crash; returns the pause in seconds, which grows while crashes repeat."""
        now = time.monotonic()
        if now - self.started_at > STEADY_SECONDS:
            self.pause_seconds = FIRST_PAUSE_SECONDS
        pause = self.pause_seconds
        self.pause_seconds = min(2 * pause, LONGEST_PAUSE_SECONDS)
        self.restart_at = now + pause
        return pause

    def send(self, number: signal.Signals) -> None:
        """Signals the command itself; it knows what to do with its own children."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def kill_group(self) -> None:
        """Ends the command and what it started in its session, at once."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
