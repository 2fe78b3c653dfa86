"""The whole site under its supervisor: it answers, heals, and leaves no process behind, however it ends."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.site import choose_port

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc").is_dir(), reason="counts processes in /proc")]


class Site:
    """A site of its own in a folder of its own."""

    def __init__(self, var_dir: Path, port: int) -> None:
        names = ("DATABASE_URL", "REDIS_URL", "CONCORD_EMBEDDED", "CONCORD_MODE", "DJANGO_SETTINGS_MODULE")
        environment = {name: value for name, value in os.environ.items() if name not in names}
        environment |= {"CONCORD_VAR": str(var_dir), "CONCORD_FSYNC": "no", "PORT": str(port)}
        self.var_dir = var_dir
        self.log = var_dir / "site.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.site", "--no-demo"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )

    def address(self) -> str:
        wait_until(lambda: "Concord is at" in self.log.read_text() or self.process.poll() is not None, seconds=120)
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


def wait_until(holds: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.1)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    var_dir = tmp_path_factory.mktemp("site")
    for folder in (var_dir, *var_dir.parents[:2]):
        if os.geteuid() == 0 and str(folder).startswith("/tmp/"):
            folder.chmod(0o711)
    return var_dir


@pytest.fixture
def site(home: Path) -> Iterator[Site]:
    with socket.socket() as taken:
        # Somebody else has the wanted port, so the site must take another and say so.
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        site = Site(home, taken.getsockname()[1])
        yield site
        for pid in site.processes():
            os.kill(pid, signal.SIGKILL)
        site.process.wait()


def test_the_site_heals_and_stops_without_a_trace(site: Site) -> None:
    address = site.address()
    assert "is in use, so this is" in site.log.read_text()
    wait_until(lambda: answers(f"{address}readyz"))
    web = next(pid for pid, command in site.processes().items() if "gunicorn" in command)
    os.kill(web, signal.SIGKILL)
    wait_until(lambda: "web ended by itself (exit code -9); it starts again" in site.log.read_text())
    wait_until(lambda: answers(f"{address}healthz"), seconds=60)
    second = subprocess.run(
        [sys.executable, "-m", "config.site"],
        cwd=ROOT,
        env={**os.environ, "CONCORD_VAR": str(site.var_dir)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert f"already runs: {address}" in second.stdout
    site.process.send_signal(signal.SIGINT)
    assert site.process.wait(60) == 0
    assert not site.processes()


def test_a_killed_supervisor_takes_everything_along(site: Site) -> None:
    site.address()
    assert len(site.processes()) > 6
    site.process.kill()
    site.process.wait()
    wait_until(lambda: not site.processes())


def test_the_next_free_port_is_chosen() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert choose_port(taken.getsockname()[1]) > taken.getsockname()[1]
