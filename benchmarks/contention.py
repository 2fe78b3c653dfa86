"""What trainer and web server cost each other on one machine.

    python benchmarks/contention.py --model FOLDER [--seconds 30] [--annotators 4]

Three times of the same length: people alone, the trainer alone, both at once. Prints one JSON line: the trainer's
median seconds a step alone and beside, the 95th percentile of the requests idle and beside, and both ratios. The
trainer is the real command in a process of its own and chooses its threads itself.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from annotate import Client, Timings, annotate, percentile
from measure import MAKE_PEOPLE, ROOT, manage, own_site, write_tasks

TASKS = 20_000
LEAST_STEPS = 3


def ask(address: str, tokens: list[str], seconds: float) -> float:
    """95th percentile of all requests in milliseconds, people working at the pace they can."""
    host, port = address.removeprefix("http://").split(":")
    timings = [Timings() for _ in tokens]
    deadline = time.monotonic() + seconds
    people = [
        threading.Thread(target=annotate, args=(Client(host, int(port), token), "load", TASKS, deadline, own))
        for token, own in zip(tokens, timings, strict=True)
    ]
    for person in people:
        person.start()
    for person in people:
        person.join()
    return percentile([value for own in timings for value in (*own.acquire, *own.submit)], 95) * 1000


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
            process = subprocess.Popen(
                [sys.executable, "-m", "rltrainer", "train", home], cwd=ROOT, env=environment, stdout=log, stderr=log
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


def measure(model: Path, seconds: float, annotators: int) -> dict[str, object]:
    """All three times."""
    with own_site() as (environment, address):
        home = Path(environment["CONCORD_VAR"])
        write_tasks(home / "tasks.jsonl", TASKS)
        manage(environment, "import_judgments", str(home / "tasks.jsonl"), "--project", "load", "--create")
        made = manage(environment, "shell", "--verbosity", "0", "-c", MAKE_PEOPLE.format(people=annotators))
        tokens = made.split()
        idle = ask(address, tokens, seconds)
        with trainer(model) as run:
            alone = watch(run, seconds)
            found: list[float] = []
            work = threading.Thread(target=lambda: found.append(ask(address, tokens, seconds)))
            beside = watch(run, seconds, work)
    return {
        "annotators": annotators,
        "trainer_alone": alone,
        "trainer_beside": beside,
        "trainer_ratio": round(beside["seconds_step"] / alone["seconds_step"], 2),
        "p95_ms_idle": round(idle, 1),
        "p95_ms_beside": round(found[0], 1),
        "p95_ratio": round(found[0] / idle, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder of the model")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each of the three times")
    parser.add_argument("--annotators", type=int, default=4)
    given = parser.parse_args()
    print(json.dumps(measure(given.model.resolve(), given.seconds, given.annotators)))


if __name__ == "__main__":
    main()
