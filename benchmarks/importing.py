"""Import: tasks a second and memory, on a database of its own.

    python -m benchmarks.importing [--tasks 5000] [--repeats 5] [--megabytes 100]

A repeat reads, checks and stores ranking tasks of 2.9 KB (two responses, three slots) into a new project, commit
included; its writes go to disk as in production. Then one file of the given size is imported: the highest memory of the
process is printed beside that of a file of a tenth of the size. Prints one JSON line a measurement.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MEGABYTE = 1024 * 1024
SENTENCE = "A sentence of the length that people write when they answer something in full. "


def write_tasks(path: Path, *, count: int = 0, megabytes: int = 0) -> int:
    """A file of that many tasks, or of at least that size; how many tasks it holds."""
    number = size = 0
    with path.open("w", encoding="utf-8") as lines:
        while number < count or size < megabytes * MEGABYTE:
            responses = [
                {"id": key, "text": f"{key}{number} {SENTENCE * 17}", "source": f"model-{key}"} for key in "ab"
            ]
            line = {"external_id": f"q-{number}", "kind": "ranking", "prompt": f"{number}?", "responses": responses}
            size += lines.write(json.dumps(line) + "\n")
            number += 1
    return number


def start_site(home: Path) -> None:
    """Postgres in a folder of its own, migrated; this process is set up to use it."""
    home.chmod(0o711)
    sys.path.insert(0, str(ROOT))
    from config import env
    from config.services import ensure_services

    env.export({"CONCORD_MODE": "local", "CONCORD_VAR": str(home), "LOG_LEVEL": "ERROR"})
    ensure_services()
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, check=True)
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()


def import_file(path: Path, slug: str) -> float:
    """Seconds for one file into a new project, as the command does it."""
    from django.core.management import call_command

    from annotation.services.projects import create_project

    create_project(name=slug, slug=slug, kind="ranking", created_by=None)
    started = time.perf_counter()
    call_command("import_judgments", str(path), project=slug, stdout=sys.stderr)
    return time.perf_counter() - started


def measure_speed(home: Path, tasks: int, repeats: int) -> None:
    write_tasks(home / "tasks.jsonl", count=tasks)
    rates = sorted(tasks / import_file(home / "tasks.jsonl", f"speed-{number}") for number in range(repeats))
    low, middle, high = round(rates[0]), round(statistics.median(rates)), round(rates[-1])
    print(
        json.dumps({"measurement": "import, tasks a second", "tasks": tasks, "min": low, "median": middle, "max": high})
    )


def measure_memory(home: Path, megabytes: int) -> None:
    """Peak memory is of the whole process so far, so the small file goes first."""
    for size in (max(1, megabytes // 10), megabytes):
        tasks = write_tasks(home / "large.jsonl", megabytes=size)
        seconds = import_file(home / "large.jsonl", f"large-{size}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        figures = {"megabytes": size, "tasks": tasks, "seconds": round(seconds, 1), "peak_memory_mib": peak}
        print(json.dumps({"measurement": "import of a large file", **figures}))


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the import of prompts.")
    parser.add_argument("--tasks", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=100)
    arguments = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="concord-bench-"))
    try:
        start_site(home)
        if arguments.repeats:
            measure_speed(home, arguments.tasks, arguments.repeats)
        if arguments.megabytes:
            measure_memory(home, arguments.megabytes)
    finally:
        from config.services import release_services

        release_services()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
