"""The whole site under one process, `python -m config.site`: what `make run` starts and Ctrl-C ends.

Services, migrations, demo, web server, workers and beat. A child that crashes is started again; when this process
ends, however it ends, nothing of the site stays behind.
"""

import argparse
import contextlib
import fcntl
import selectors
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from types import FrameType
from typing import IO

from config import env
from config.child_process import ChildProcess
from config.orphans import adopt_orphans, end_orphans
from config.process_log import NAME_WIDTH, ProcessLog, log_folder
from config.service_account import ServiceError
from config.services import ensure_services, keeper_processes, release_services
from config.web_server import web_command

# A trainer may need this long to write its checkpoint.
GRACE_SECONDS = 30.0
PORTS_TRIED = 20


class Supervisor:
    """Runs the children and passes on what they print, until it is asked to stop."""

    def __init__(self, children: list[ChildProcess]) -> None:
        self.children = children
        self.selector = selectors.DefaultSelector()
        self.requests_to_stop = 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)

    def start(self, child: ChildProcess) -> None:
        child.start()
        self.selector.register(child.output(), selectors.EVENT_READ, child)

    def run(self, address: str, welcome: str) -> None:
        """Keeps every child running; prints `welcome` when the web server answers at `address`."""
        for child in self.children:
            self.start(child)
        welcomed = False
        while not self.requests_to_stop:
            self._pass_on_lines(timeout=0.25)
            self._restart_crashed()
            if not welcomed and _answers(address):
                welcomed = True
                say(welcome)

    def stop(self) -> None:
        """Asks every child to end, in order of who depends on whom, and ends by force what does not."""
        self.requests_to_stop = 1
        say("stopping; a running training may take up to 30 s for its checkpoint (Ctrl-C again: at once)")
        for child in self.children:
            child.send(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while self._alive() and time.monotonic() < deadline and self.requests_to_stop < 2:
            self._pass_on_lines(timeout=0.1)
        for child in self._alive():
            say(f"{child.name} did not stop in time and is ended by force")
        for child in self.children:
            child.kill_group()
        while self._alive():
            time.sleep(0.02)

    def _alive(self) -> list[ChildProcess]:
        return [child for child in self.children if child.process is not None and child.exit_code() is None]

    def _pass_on_lines(self, timeout: float) -> None:
        for key, _ in self.selector.select(timeout):
            if not key.data.pass_on_lines():
                self.selector.unregister(key.fd)

    def _restart_crashed(self) -> None:
        now = time.monotonic()
        for child in self.children:
            code = child.exit_code()
            if code is None:
                continue
            if child.restart_at is None:
                pause = child.plan_restart()
                say(f"{child.name} ended by itself (exit code {code}); it starts again in {pause:.0f} s")
            elif now >= child.restart_at:
                with contextlib.suppress(KeyError, ValueError):
                    self.selector.unregister(child.output())
                self.start(child)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.requests_to_stop += 1


def site_children(port: int) -> list[ChildProcess]:
    """Web server, worker for short jobs, worker for runs, and the clock that sends periodic jobs."""
    celery = [sys.executable, "-m", "celery", "--quiet", "-A", "config.celery"]
    quiet = ["--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    default = ["worker", "--queues", "default", "--pool", "prefork", "--concurrency", "1", "--hostname", "worker@%h"]
    gpu = ["worker", "--queues", "gpu", "--pool", "threads", "--concurrency", "1", "--hostname", "gpu@%h"]
    beat = ["beat", "--loglevel", "WARNING", "--pidfile", ""]
    return [
        ChildProcess("web", web_command(host="127.0.0.1", port=port)),
        # On SIGTERM: finish within the soft shutdown time, then hand the job back.
        ChildProcess("worker", [*celery, *default, *quiet], {"REMAP_SIGTERM": "SIGQUIT"}),
        ChildProcess("gpu-worker", [*celery, *gpu, *quiet]),
        ChildProcess("beat", [*celery, *beat]),
    ]


def choose_port(wanted: int) -> int:
    """`wanted`, or the next port nobody listens on. Raises ServiceError when there is none nearby."""
    for port in range(wanted, wanted + PORTS_TRIED):
        with socket.socket() as probe:
            # As the web server does: a port in TIME_WAIT is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ServiceError(f"Ports {wanted} to {wanted + PORTS_TRIED - 1} are all in use; set PORT to a free one.")


def prepare_site(*, with_demo: bool) -> str:
    """Migrates and, if wanted, loads the demo; returns what the person is to be told about signing in."""
    command = [sys.executable, "manage.py", "prepare_site", *([] if with_demo else ["--no-demo"])]
    log = ProcessLog("prepare")
    with subprocess.Popen(
        command, cwd=env.BASE_DIR, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            for line in process.stderr:
                log.take(line.rstrip("\n"))
            sign_in = process.stdout.read()
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise ServiceError(f"The site could not be prepared (exit code {process.returncode}); the reason is above.")
    return sign_in.strip()


def hold_site_lock() -> IO[str]:
    """One site a checkout: two would run every periodic job twice. Raises ServiceError for the second."""
    var_dir = env.read_var_dir()
    var_dir.mkdir(parents=True, exist_ok=True)
    lock = (var_dir / "site.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        raise ServiceError(
            f"A site of this checkout already runs: {lock.read().strip() or 'it is starting'}"
        ) from error
    return lock


def say(message: str) -> None:
    """A line of the supervisor's own."""
    for line in message.splitlines():
        print(f"{'site':<{NAME_WIDTH}}| {line}", flush=True)


def main() -> int:
    """Runs the site until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m config.site", description="Runs the whole site until Ctrl-C.")
    parser.add_argument("--no-demo", action="store_true", help="leave the demo project out")
    with_demo = not parser.parse_args().no_demo
    if not env.is_given("CONCORD_MODE"):
        env.export({"CONCORD_MODE": "local"})
    try:
        with hold_site_lock() as lock:
            return run_site(lock, with_demo=with_demo)
    except ServiceError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        release_services()


def run_site(lock: IO[str], *, with_demo: bool) -> int:
    """Everything between the lock and the last process gone."""
    started = time.monotonic()
    adopt_orphans()
    wanted = env.read_int("PORT", 8000, minimum=1)
    port = choose_port(wanted)
    if port != wanted:
        say(f"port {wanted} is in use, so this is {port}")
    env.export({"PORT": str(port)})
    urls = ensure_services()
    say(f"services up after {time.monotonic() - started:.1f} s (own: {', '.join(urls.embedded) or 'none'})")
    sign_in = prepare_site(with_demo=with_demo)
    address = f"http://127.0.0.1:{port}/"
    lock.truncate(0)
    lock.write(address)
    lock.flush()
    supervisor = Supervisor(site_children(port))
    try:
        supervisor.run(f"{address}healthz", _welcome(address, sign_in))
    finally:
        supervisor.stop()
        end_orphans(spare=keeper_processes())
        lock.truncate(0)
    say("stopped")
    return 0


def _welcome(address: str, sign_in: str) -> str:
    return f"\nConcord is at {address}\n{sign_in}\nCtrl-C stops it; everything it prints is in {log_folder()}.\n"


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=1) as answer:  # noqa: S310  our own http address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(main())
