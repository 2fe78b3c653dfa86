"""Every measurement in one command: starts a site of its own, fills it, measures, stops it. `make bench` runs this.

    python benchmarks/measure.py [--repeats 3] [--loops 400]

Prints one JSON line a measurement. Nothing of the checkout's own site or data is touched.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 120
MOST_ANNOTATORS = 32
FEWEST_LOOPS = 25
MAKE_PEOPLE = """
from annotation.models import Membership, Project, User
from annotation.services.tokens import issue_token
project = Project.objects.get(slug="load")
for number in range({people}):
    person = User.objects.create_user(f"load-{{number}}")
    Membership.objects.create(project=project, user=person)
    print(issue_token(user=person, name="benchmark")[1])
"""


@contextmanager
def own_site() -> Iterator[tuple[dict[str, str], str]]:
    """The environment and the address of a site in a folder of its own, gone at the end."""
    home = Path(tempfile.mkdtemp(prefix="concord-bench-"))
    home.chmod(0o711)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    given = ("DATABASE_URL", "REDIS_URL", "CONCORD_EMBEDDED")
    environment = {name: value for name, value in os.environ.items() if name not in given}
    environment |= {"CONCORD_VAR": str(home), "PORT": str(port), "LOG_LEVEL": "WARNING"}
    with (home / "site.log").open("wb") as log:
        site = subprocess.Popen(
            [sys.executable, "-m", "config.site", "--no-demo"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", site, home / "site.log")
        yield environment, f"http://127.0.0.1:{port}"
    finally:
        site.send_signal(signal.SIGINT)
        site.wait()
        shutil.rmtree(home)


def wait_for(address: str, site: "subprocess.Popen[bytes]", log: Path) -> None:
    """Comes back when the site is ready; ends the measurement with its log when it is not."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and site.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=2).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    sys.exit(f"The site did not start:\n{log.read_text()}")


def manage(environment: dict[str, str], *arguments: str) -> str:
    """What a command of the site prints; its failure ends the measurement."""
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def write_tasks(path: Path, count: int) -> None:
    """Ranking tasks of two responses of a realistic length, as lines of the interchange format."""
    text = "A sentence of the length that people write when they answer something in full. " * 15
    with path.open("w", encoding="utf-8") as lines:
        for number in range(count):
            responses = [{"id": key, "text": f"{key}{number} {text}", "source": f"model-{key}"} for key in "ab"]
            line = {"external_id": f"q-{number}", "kind": "ranking", "prompt": f"{number}?", "responses": responses}
            lines.write(json.dumps(line) + "\n")


def measure(repeats: int, loops: int) -> None:
    """Import, then loops of acquire and submit by 1, 8 and 32 annotators."""
    with own_site() as (environment, address):
        home = Path(environment["CONCORD_VAR"])
        shares = {annotators: max(FEWEST_LOOPS, loops // annotators) for annotators in (1, 8, MOST_ANNOTATORS)}
        # Enough that nobody runs out, even if every judgment needed a task of its own.
        tasks = max(5000, repeats * sum(annotators * share for annotators, share in shares.items()))
        write_tasks(home / "tasks.jsonl", tasks)
        started = time.monotonic()
        manage(environment, "import_judgments", str(home / "tasks.jsonl"), "--project", "load", "--create")
        seconds = round(time.monotonic() - started, 2)
        print(json.dumps({"measurement": "import, with the command's own start", "tasks": tasks, "seconds": seconds}))
        tokens = manage(environment, "shell", "--verbosity", "0", "-c", MAKE_PEOPLE.format(people=MOST_ANNOTATORS))
        (home / "tokens.txt").write_text(tokens)
        for annotators, share in shares.items():
            run_loops(address, home / "tokens.txt", annotators, share, repeats)


def run_loops(address: str, tokens: Path, annotators: int, loops: int, repeats: int) -> None:
    """`annotate.py` once; its line of figures goes straight to our output."""
    command = [sys.executable, str(ROOT / "benchmarks" / "annotate.py"), "--url", address, "--project", "load"]
    command += ["--token-file", str(tokens), "--annotators", str(annotators)]
    subprocess.run([*command, "--loops", str(loops), "--repeats", str(repeats)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs every measurement on a site of its own.")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--loops", type=int, default=400, help="acquire and submit in all, a repeat")
    arguments = parser.parse_args()
    measure(arguments.repeats, arguments.loops)


if __name__ == "__main__":
    main()
