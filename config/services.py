"""Starts the embedded Postgres and Valkey when no DATABASE_URL / REDIS_URL is given, or joins the running ones.

Any process that calls `ensure_services` keeps them up until it ends, and the last one to end takes them down with it:
see `config.keeper` for how.
"""

import fcntl
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from config import env
from config.keeper import read_state, write_state
from config.service_account import ServiceError

START_SECONDS = 90.0
_NAMES = {"postgres": "DATABASE_URL", "valkey": "REDIS_URL"}
_held: list[IO[str]] = []


@dataclass(frozen=True)
class Urls:
    """Where the two services are, and which of them are ours."""

    database: str
    redis: str
    embedded: tuple[str, ...]


def ensure_services() -> Urls:
    """Both services reachable by DATABASE_URL and REDIS_URL of this process and its children.

    Those given from outside are left alone; for the others an embedded server is started or joined.
    Raises: ServiceError saying what failed and where its log is.
    """
    embedded = tuple(service for service, variable in _NAMES.items() if not env.is_given(variable))
    folders = {service: _service_folder(service) for service in embedded}
    for service, folder in folders.items():
        _hold(folder)
        _start_keeper(service, folder)
    for service, folder in folders.items():
        env.export({_NAMES[service]: _wait_for_url(service, folder)})
    if embedded:
        env.export({"CONCORD_EMBEDDED": ",".join(embedded)})
    return Urls(env.read_text("DATABASE_URL"), env.read_text("REDIS_URL"), embedded)


def release_services(timeout_seconds: float = 40.0) -> bool:
    """Lets go of the services and waits until nobody else holds them and they are down; False if they stay up."""
    while _held:
        _held.pop().close()
    deadline = time.monotonic() + timeout_seconds
    while any(service_is_running(_service_folder(service)) for service in _NAMES):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def keeper_processes() -> set[int]:
    """Process ids of the keepers of our embedded services."""
    found = (read_state(_service_folder(service)).get("keeper") for service in _NAMES)
    return {pid for pid in found if isinstance(pid, int)}


def _service_folder(service: str) -> Path:
    folder = env.read_var_dir() / "services" / service
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ServiceError(
            f"The folder for {service} cannot be made: {error}. CONCORD_VAR can name another."
        ) from error
    return folder


def _hold(folder: Path) -> None:
    try:
        users = (folder / "users.lock").open("a")
    except OSError as error:
        raise ServiceError(f"{error}. Was the site started as another user before?") from error
    # Waits while a keeper that found no users is stopping its server.
    fcntl.flock(users, fcntl.LOCK_SH)
    _held.append(users)


def _start_keeper(service: str, folder: Path) -> None:
    """Starts a keeper if there is none; two that are started at once settle it by their own lock."""
    with (folder / "start.lock").open("a") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        if service_is_running(folder):
            return
        # What an earlier keeper said no longer holds; only what it left behind in /tmp is still to be cleared away.
        write_state(folder, {"scratch_folder": read_state(folder).get("scratch_folder", "")})
        fsync = "fsync" if env.read_bool("CONCORD_FSYNC", True) else "no-fsync"
        with (folder / "keeper.log").open("wb") as log:
            keeper = subprocess.Popen(
                [sys.executable, "-m", "config.keeper", service, str(folder), fsync],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=env.BASE_DIR,
                start_new_session=True,
            )
        while keeper.poll() is None and not service_is_running(folder):
            time.sleep(0.01)
        _reap_later(keeper)


def _reap_later(keeper: "subprocess.Popen[bytes]") -> None:
    # The keeper outlives whoever started it, so nobody waits for it; this keeps Python from warning about that.
    keeper.returncode = keeper.returncode if keeper.returncode is not None else 0


def _wait_for_url(service: str, folder: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        state = read_state(folder)
        if "error" in state:
            raise ServiceError(f"{service} could not be started: {state['error']} (logs in {folder})")
        if "url" in state and service_is_running(folder):
            return str(state["url"])
        if not service_is_running(folder):
            _start_keeper(service, folder)
        time.sleep(0.03)
    raise ServiceError(f"{service} was not up after {START_SECONDS:.0f} s; see the logs in {folder}.")


def service_is_running(folder: Path) -> bool:
    """Whether a keeper holds the service of this folder."""
    if not folder.is_dir():
        return False
    descriptor = os.open(folder / "keeper.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
