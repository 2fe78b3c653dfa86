"""The whole site under its supervisor: it answers, heals, and leaves no process behind, however it ends."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.site import choose_port
from tests.running_site import ROOT, Site, answers, open_home
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc").is_dir(), reason="counts processes in /proc")]


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with socket.socket() as taken:
        # Somebody else has the wanted port, so the site must take another and say so.
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        site = Site(open_home(tmp_path_factory), taken.getsockname()[1])
        yield site
        site.kill()


def web_server_of(site: Site) -> int:
    """The process that the supervisor started; those that it forked have the same command line."""
    [server] = [
        pid for pid, command in site.processes().items() if "config.web_server" in command and is_ours(pid, site)
    ]
    return server


def is_ours(pid: int, site: Site) -> bool:
    parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
    return int(parent) == site.process.pid


def test_the_site_heals_and_stops_without_a_trace(site: Site) -> None:
    address = site.address()
    assert "is in use, so this is" in site.log.read_text()
    wait_until(lambda: answers(f"{address}readyz"))
    os.kill(web_server_of(site), signal.SIGKILL)
    wait_until(lambda: "web ended by itself (exit code -9); it starts again" in site.log.read_text())
    wait_until(lambda: answers(f"{address}healthz"))
    # The web server's start is not worth a line of the terminal, but it is on record.
    assert "Starting granian" not in site.log.read_text()
    assert "Starting granian" in (site.var_dir / "log" / "web.log").read_text()
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
    assert site.process.wait(PATIENCE_SECONDS) == 0
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
