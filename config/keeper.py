"""The process that owns one embedded server for as long as anybody uses it: `python -m config.keeper postgres FOLDER`.

Users of a server hold a shared lock on `users.lock`. The kernel drops such a lock with its process, however that
ended, so the keeper only has to ask now and then whether it can have the lock alone: then it stops the server and goes.
"""

import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import IO, Protocol

from config.embedded_postgres import SOCKETS, EmbeddedPostgres
from config.embedded_valkey import EmbeddedValkey

POLL_SECONDS = 0.2
MAX_RESTARTS_PER_MINUTE = 5
LOG_BYTES = 5_000_000


class Server(Protocol):
    """What a keeper keeps."""

    def start(self, log: IO[bytes]) -> None: ...
    def stop(self) -> None: ...


KINDS: dict[str, Callable[..., "EmbeddedPostgres | EmbeddedValkey"]] = {
    "postgres": EmbeddedPostgres,
    "valkey": EmbeddedValkey,
}


class Keeper:
    """Starts one server, restarts it when it crashes, and stops it when nobody uses it any more."""

    def __init__(self, kind: str, folder: Path, *, fsync: bool) -> None:
        self.kind = kind
        self.folder = folder
        self.fsync = fsync
        self.stopping = False
        self.restarts: list[float] = []

    def run(self) -> int:
        """Keeps the server until the last user is gone; 0 when it ended in order."""
        own_lock = (self.folder / "keeper.lock").open("a")
        try:
            fcntl.flock(own_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask_to_stop)
        self._remove_stale_files()
        try:
            self._keep()
        except Exception as error:
            # The edge of this process: whoever waits for the server reads the reason here.
            write_state(self.folder, {"error": f"{type(error).__name__}: {error}"})
            raise
        return 0

    def _keep(self) -> None:
        server = KINDS[self.kind](self.folder, fsync=self.fsync)
        with (self.folder / "server.log").open("ab") as log:
            try:
                server.start(log)
                self._announce(server)
                users = self._watch(server, log)
            finally:
                server.stop()
        (self.folder / "state.json").unlink(missing_ok=True)
        if users is not None:
            users.close()

    def _watch(self, server: "EmbeddedPostgres | EmbeddedValkey", log: IO[bytes]) -> "IO[str] | None":
        users = (self.folder / "users.lock").open("a")
        while not self.stopping:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(POLL_SECONDS)
            else:
                return users
            if server.process is not None and server.process.poll() is not None:
                self._count_restart(server.process.returncode)
                server.start(log)
                self._announce(server)
        users.close()
        return None

    def _announce(self, server: "EmbeddedPostgres | EmbeddedValkey") -> None:
        assert server.process is not None
        scratch = str(server.scratch_folder or "")
        write_state(
            self.folder,
            {"url": server.url, "keeper": os.getpid(), "server": server.process.pid, "scratch_folder": scratch},
        )

    def _count_restart(self, exit_code: int) -> None:
        now = time.monotonic()
        self.restarts = [moment for moment in self.restarts if now - moment < 60] + [now]
        print(f"{self.kind} ended by itself (exit code {exit_code}); starting it again", flush=True)
        if len(self.restarts) > MAX_RESTARTS_PER_MINUTE:
            raise RuntimeError(f"{self.kind} crashed {len(self.restarts)} times within a minute")

    def _remove_stale_files(self) -> None:
        # Left behind by a keeper that was killed: it could not remove its folder in /tmp.
        scratch = Path(str(read_state(self.folder).get("scratch_folder", "")) or "/nonexistent")
        if scratch.name.startswith("concord-pg-") and scratch.parent == SOCKETS:
            for leftover in scratch.glob(".s.PGSQL.*"):
                leftover.unlink(missing_ok=True)
            if scratch.exists():
                scratch.rmdir()
        (self.folder / "state.json").unlink(missing_ok=True)
        log = self.folder / "server.log"
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(self.folder / "server.log.1")

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True


def read_state(folder: Path) -> dict[str, object]:
    """What the keeper last said: `url` when the server is up, `error` when it could not be; empty when neither."""
    try:
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return state if isinstance(state, dict) else {}


def write_state(folder: Path, state: dict[str, object]) -> None:
    """Replaces the state at once; only its owner can read it, for the URL holds a password."""
    fresh = folder / f".state-{os.getpid()}.json"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(state, stream)
    fresh.replace(folder / "state.json")


if __name__ == "__main__":
    kind, folder, fsync = sys.argv[1:4]
    sys.exit(Keeper(kind, Path(folder), fsync=fsync == "fsync").run())
