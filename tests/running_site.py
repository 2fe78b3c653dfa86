"""A whole site under its supervisor, in a folder of its own, for tests that need one to run."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import pytest

from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[1]


class Site:
    """A site of its own in a folder of its own."""

    def __init__(self, var_dir: Path, port: int) -> None:
        names = ("DATABASE_URL", "REDIS_URL", "CONCORD_EMBEDDED", "CONCORD_MODE", "DJANGO_SETTINGS_MODULE")
        environment = {name: value for name, value in os.environ.items() if name not in names}
        self.environment = environment | {"CONCORD_VAR": str(var_dir), "CONCORD_FSYNC": "no", "PORT": str(port)}
        # Tests keep every core busy, and wait for what workers do.
        self.environment["WORKER_NICENESS"] = "0"
        self.var_dir = var_dir
        self.log = var_dir / "site.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.site", "--no-demo"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def address(self) -> str:
        wait_until(lambda: "Concord is at" in self.log.read_text() or self.process.poll() is not None)
        assert self.process.poll() is None, self.log.read_text()
        return self.log.read_text().rpartition("Concord is at ")[2].split()[0]

    def processes(self) -> dict[int, str]:
        """Everything that runs for this site, by its folder in the environment or in the command line."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                environment = (folder / "environ").read_bytes()
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            if str(self.var_dir).encode() in environment + command.encode() and command:
                found[int(folder.name)] = command
        return found

    def kill(self) -> None:
        """Ends by force whatever is left."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def open_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for a site that Postgres's own user may pass through."""
    return let_others_pass(tmp_path_factory.mktemp("site"))


def let_others_pass(folder: Path) -> Path:
    """Opens a temporary folder of ours, and those above it, for passing through; as root only, who drops rights."""
    temporary = Path(tempfile.gettempdir()).resolve()
    for part in (folder, *folder.parents):
        if os.geteuid() == 0 and part != temporary and part.resolve().is_relative_to(temporary):
            part.chmod(0o711)
    return folder
