"""What trainer and web server cost each other on one machine.

    python benchmarks/contention.py --model FOLDER [--seconds 30] [--annotators 16] [--rate 40]

Three times of the same length: people alone, the trainer alone, both at once. Prints one JSON line: the trainer's
median seconds a step alone and beside, loops a second and the 95th percentile of the requests idle and beside, and both
ratios. People come at random, `--rate` of them a second all together; with `--rate 0` each asks as fast as answers
come, so that the site alone fills the machine. The trainer is the real command in a process of its own and chooses its
threads itself.
"""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from annotate import MOST_LOOPS, Client, Timings, annotate, percentile
from measure import MAKE_PEOPLE, ROOT, manage, own_site, write_tasks

sys.path.insert(0, str(ROOT))

from rewardmodel.runtime.threads import read_usage

TASKS = {"at a rate": 20_000, "all that go": 80_000}
"""More than people can judge in all three times: at the end of a queue acquiring costs more."""
QUIET_CORES = 0.05
QUIET_SECONDS = 5.0
LEAST_STEPS = 3
WARM_UP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Load:
    """People at work."""

    address: str
    tokens: list[str]
    rate: float
    """Loops a second of all together; 0 for as many as go."""

    def ask(self, seconds: float) -> dict[str, float]:
        """Loops a second, and the 95th percentile of all requests in milliseconds."""
        host, port = self.address.removeprefix("http://").split(":")
        timings = [Timings() for _ in self.tokens]
        deadline = time.monotonic() + seconds
        people = [
            threading.Thread(
                target=annotate,
                args=(Client(host, int(port), token), "load", MOST_LOOPS, deadline, own, self._pauses(number)),
            )
            for number, (token, own) in enumerate(zip(self.tokens, timings, strict=True))
        ]
        for person in people:
            person.start()
        for person in people:
            person.join()
        requests = [value for own in timings for value in (*own.acquire, *own.submit)]
        return {
            "loops_per_second": round(len(requests) / 2 / seconds, 1),
            "p95_ms": round(percentile(requests, 95) * 1000, 1),
        }

    def _pauses(self, number: int) -> Iterator[float]:
        draw = random.Random(number)
        share = self.rate / len(self.tokens)
        while True:
            yield draw.expovariate(share) if share else 0.0


@contextmanager
def trainer(model: Path) -> Iterator[Path]:
    """The run directory of a trainer that steps until the block ends."""
    with tempfile.TemporaryDirectory() as home:
        run = Path(home)
        (run / "data").mkdir()
        rows = [{"prompt_id": f"q{n}", "prompt": [{"role": "user", "content": f"Tell me of {n}."}]} for n in range(16)]
        (run / "data" / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        config = {
            "kind": "grpo",
            "model": {"path": str(model)},
            "rollout": {"prompts_per_step": 1, "group_size": 4, "max_new_tokens": 16, "batch_rows": 4},
            "reward": {"brevity_weight": 1.0, "repetition_penalty": 1.0},
            "evaluation": {"prompts": 1, "samples_per_prompt": 1, "shown_prompts": 1},
            "checkpoint": {"every_steps": 100_000, "every_seconds": 1e6},
            "stop": {"steps": 100_000},
        }
        (run / "config.json").write_text(json.dumps(config))
        environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
        with (run / "log.txt").open("wb") as log:
            # A session of its own, as a worker starts it: the kernel may share the processor out among sessions.
            process = subprocess.Popen(
                [sys.executable, "-m", "rltrainer", "train", home],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_for_steps(run, LEAST_STEPS, process)
            yield run
        finally:
            # A killed trainer leaves nothing behind but its folder, which goes as well.
            process.send_signal(signal.SIGKILL)
            process.wait()


def wait_for_steps(run: Path, count: int, process: "subprocess.Popen[bytes]") -> None:
    """Until so many steps are done; ends the measurement with the trainer's log where it ends first."""
    while len(read_steps(run)) < count:
        if process.poll() is not None:
            sys.exit(f"The trainer ended:\n{(run / 'log.txt').read_text()}")
        time.sleep(0.2)


def read_steps(run: Path) -> list[dict[str, float]]:
    """The values of all steps so far."""
    path = run / "metrics.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line)["values"] for line in lines]


def wait_until_quiet() -> None:
    """Until the whole machine has had next to nothing to do for some seconds."""
    busy = QUIET_CORES + 1
    while busy > QUIET_CORES:
        before = read_usage()
        time.sleep(QUIET_SECONDS)
        after = read_usage()
        if before is None or after is None:
            sys.exit("This system does not tell what its processors do; measure where it does.")
        busy = (after.everybody - before.everybody) / (after.at - before.at)


def watch(run: Path, seconds: float, work: threading.Thread | None = None) -> dict[str, float]:
    """Median seconds of the steps within this time, and their threads; the first, in which threads change, apart."""
    before = len(read_steps(run))
    if work is not None:
        work.start()
    time.sleep(seconds)
    if work is not None:
        work.join()
    steps = read_steps(run)[before + 1 :]
    if len(steps) < LEAST_STEPS:
        sys.exit(f"Only {len(steps)} steps within {seconds:g} seconds; give more.")
    return {
        "seconds_step": statistics.median(step["seconds_step"] for step in steps),
        "threads": statistics.median(step["threads"] for step in steps),
    }


def measure(model: Path, seconds: float, annotators: int, rate: float) -> dict[str, object]:
    """All three times."""
    with own_site() as (environment, address):
        home = Path(environment["CONCORD_VAR"])
        write_tasks(home / "tasks.jsonl", TASKS["at a rate" if rate else "all that go"])
        manage(environment, "import_judgments", str(home / "tasks.jsonl"), "--project", "load", "--create")
        made = manage(environment, "shell", "--verbosity", "0", "-c", MAKE_PEOPLE.format(people=annotators))
        load = Load(address, made.split(), rate)
        # What a first request sets up, and what the site makes of an import, is not what is measured.
        load.ask(WARM_UP_SECONDS)
        wait_until_quiet()
        idle = load.ask(seconds)
        with trainer(model) as run:
            alone = watch(run, seconds)
            found: list[dict[str, float]] = []
            work = threading.Thread(target=lambda: found.append(load.ask(seconds)))
            beside = watch(run, seconds, work)
    return {
        "annotators": annotators,
        "rate": rate,
        "trainer_alone": alone,
        "trainer_beside": beside,
        "trainer_ratio": round(beside["seconds_step"] / alone["seconds_step"], 2),
        "people_idle": idle,
        "people_beside": found[0],
        "p95_ratio": round(found[0]["p95_ms"] / idle["p95_ms"], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder of the model")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each of the three times")
    parser.add_argument("--annotators", type=int, default=16)
    parser.add_argument("--rate", type=float, default=40.0, help="loops a second of all people; 0 for all that go")
    given = parser.parse_args()
    print(json.dumps(measure(given.model.resolve(), given.seconds, given.annotators, given.rate)))


if __name__ == "__main__":
    main()
