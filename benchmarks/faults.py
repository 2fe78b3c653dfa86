"""Whether every judgment is there exactly once, whatever dies, repeats or comes late.

    python benchmarks/faults.py [--seeds 0 1 2 3 4] [--annotators 32] [--tasks 500] [--overlap 3] [--lease-seconds 2]

On a site of its own: annotators as threads drain the tasks over the API while web processes are killed with -9 at
random moments. Each submit may be sent several times, at once or again later, or be held back until its lease has run
out (with --lease-seconds). At the end the database is counted. Prints one JSON line a seed; exit code 1 if anything is
lost or surplus.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotate import Client, build_answer, read_address
from measure import MAKE_PEOPLE, manage, own_site, write_tasks

MOST_SECONDS = 150.0
COUNT = """
from collections import Counter
from annotation.models import *
import json
project = Project.objects.get(slug="{slug}")
said = list(Judgment.objects.filter(project=project).values_list("task", "annotator"))
each = Counter(task for task, _ in said)
tasks = Task.objects.filter(project=project).count()
print(json.dumps({{
    "judgments": len(said), "distinct": len(set(said)), "tasks": tasks,
    "short": tasks - len(each) + sum(n < {overlap} for n in each.values()),
    "surplus": sum(n > {overlap} for n in each.values()),
    "open_slots": Slot.objects.filter(project=project).exclude(state="submitted").count(),
    "kept": KeptAnswer.objects.filter(task__project=project).count(),
    "ids": sorted(Judgment.objects.filter(project=project).values_list("id", flat=True)),
}}))
"""
MAKE_PROJECT = """
from annotation.models import Membership, Project, User
from annotation.services.projects import update_project
boss = User.objects.filter(username="boss").first() or User.objects.create_superuser("boss")
project = Project.objects.get(slug="{slug}")
update_project(project=project, actor=boss, judgments_per_task={overlap}, lease_seconds={lease})
for person in User.objects.filter(username__startswith="load-"):
    Membership.objects.get_or_create(project=project, user=person)
"""


@dataclass
class Tally:
    """What the annotators saw."""

    acknowledged: set[int] = field(default_factory=set)
    repeats: int = 0
    late: int = 0
    broken: int = 0
    """Requests that died with a web process or found none; all of them were sent again."""
    refused: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    kills: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Annotator(threading.Thread):
    """Judges until nothing is left, badly connected and impatient."""

    def __init__(self, client: Client, slug: str, dice: random.Random, tally: Tally, late_seconds: float) -> None:
        super().__init__(daemon=True)
        self.client, self.slug, self.dice, self.tally, self.late_seconds = client, slug, dice, tally, late_seconds

    def run(self) -> None:
        deadline = time.monotonic() + MOST_SECONDS
        while time.monotonic() < deadline:
            status, work = self.send(self.client, f"projects/{self.slug}/acquire", {}, {})
            if status != 200:
                self.tally.wrong.append(f"acquire answered {status}: {work}")
                return
            if work["task"] is not None:
                self.judge(work)
            elif work["reason"] in ("all_done", "you_did_all"):
                return
            else:
                time.sleep(0.2)

    def judge(self, work: dict[str, Any]) -> None:
        body = {"lease_token": work["lease"]["token"], "answer": build_answer(work["task"])}
        path, key = f"tasks/{work['task']['id']}/judgments", {"Idempotency-Key": uuid.uuid4().hex}
        if self.late_seconds and self.dice.random() < 0.05:
            self.tally.late += 1
            time.sleep(self.late_seconds * self.dice.uniform(0.8, 1.6))
        if self.dice.random() < 0.1:
            self.send_at_once(path, body, key)
        self.note(*self.send(self.client, path, body, key))
        if self.dice.random() < 0.1:
            self.tally.repeats += 1
            time.sleep(self.dice.uniform(0, 0.3))
            self.note(*self.send(self.client, path, body, key))

    def send_at_once(self, path: str, body: object, key: dict[str, str]) -> None:
        """Copies of the submit over connections of their own, together with the real one."""
        for _ in range(2):
            self.tally.repeats += 1
            copy = Client(self.client.host, self.client.port, self.client.token)
            threading.Thread(target=lambda c=copy: self.note(*self.send(c, path, body, key)), daemon=True).start()

    def send(self, client: Client, path: str, body: object, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """The answer, after as many tries as it takes: what any good client does with an idempotency key."""
        for _ in range(400):
            try:
                status, answer = client.post(path, body, **headers)
            except (OSError, ValueError):
                client.close()
                self.tally.broken += 1
            else:
                if status < 500:
                    return status, answer
            time.sleep(0.05)
        return 599, {"code": "no_answer"}

    def note(self, status: int, answer: dict[str, Any]) -> None:
        with self.tally.lock:
            if status in (200, 201):
                self.tally.acknowledged.add(answer["id"])
            elif status == 409 and answer["code"] in ("lease_lost", "already_submitted"):
                self.tally.refused[answer["code"]] = self.tally.refused.get(answer["code"], 0) + 1
            else:
                self.tally.wrong.append(f"submit answered {status}: {answer}")


def kill_web_processes(site_home: Path, tally: Tally, dice: random.Random, stop: threading.Event) -> None:
    """Ends a web process of our own site with -9 every second or two."""
    while not stop.wait(dice.uniform(0.7, 2.0)):
        workers = web_processes(site_home)
        if workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(dice.choice(workers), signal.SIGKILL)
                tally.kills += 1


def web_processes(site_home: Path) -> list[int]:
    """The web processes whose environment names our folder, without the one that starts them."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            ours = f"CONCORD_VAR={site_home}".encode() in (entry / "environ").read_bytes()
            parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            is_worker = b"config.web_server" in Path(f"/proc/{parent}/cmdline").read_bytes()
            if ours and b"config.web_server" in command and is_worker and b"resource_tracker" not in command:
                found.append(int(entry.name))
    return found


def run_seed(environment: dict[str, str], address: str, seed: int, given: argparse.Namespace) -> bool:
    """One drained project under faults; whether everything is there once."""
    home, slug = Path(environment["CONCORD_VAR"]), f"faults-{seed}"
    write_tasks(home / "tasks.jsonl", given.tasks)
    manage(environment, "import_judgments", str(home / "tasks.jsonl"), "--project", slug, "--create")
    settings = {"slug": slug, "overlap": given.overlap, "lease": given.lease_seconds or 900}
    manage(environment, "shell", "--verbosity", "0", "-c", MAKE_PROJECT.format(**settings))
    tally, dice, stop = Tally(), random.Random(seed), threading.Event()
    host, port = read_address(address)
    tokens = (home / "tokens.txt").read_text().split()[: given.annotators]
    people = [
        Annotator(Client(host, port, token), slug, random.Random(f"{seed}:{n}"), tally, given.lease_seconds)
        for n, token in enumerate(tokens)
    ]
    killer = threading.Thread(target=kill_web_processes, args=(home, tally, dice, stop))
    start = time.monotonic()
    for thread in [*people, killer]:
        thread.start()
    for person in people:
        person.join()
    stop.set()
    killer.join()
    seconds = time.monotonic() - start
    time.sleep(2)  # copies that are still under way
    counted = json.loads(manage(environment, "shell", "--verbosity", "0", "-c", COUNT.format(**settings)))
    stored = set(counted.pop("ids"))
    lost = len(tally.acknowledged - stored)
    right = counted["judgments"] == counted["distinct"] == given.tasks * given.overlap
    right = right and not (counted["short"] or counted["surplus"] or lost or tally.wrong)
    line = {"seed": seed, "right": right, **counted, "acknowledged_but_lost": lost, "kills": tally.kills}
    line |= {"repeats": tally.repeats, "held_back": tally.late, "broken_requests": tally.broken}
    line |= {"refused": tally.refused, "wrong": tally.wrong[:3], "seconds": round(seconds, 1)}
    print(json.dumps(line), flush=True)
    return right


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--annotators", type=int, default=32)
    parser.add_argument("--tasks", type=int, default=500)
    parser.add_argument("--overlap", type=int, default=3)
    parser.add_argument("--lease-seconds", type=int, default=0, help="leases so short that they end during the run")
    given = parser.parse_args()
    try:
        with own_site() as (environment, address):
            home = Path(environment["CONCORD_VAR"])
            write_tasks(home / "one.jsonl", 1)
            manage(environment, "import_judgments", str(home / "one.jsonl"), "--project", "load", "--create")
            people = manage(environment, "shell", "--verbosity", "0", "-c", MAKE_PEOPLE.format(people=given.annotators))
            (home / "tokens.txt").write_text(people)
            results = [run_seed(environment, address, seed, given) for seed in given.seeds]
    except subprocess.CalledProcessError as error:
        print(f"faults: {error}", file=sys.stderr)
        return 1
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
