"""Import: tasks a second and memory, on a database of its own.

    python -m benchmarks.importing [--tasks 5000] [--repeats 5] [--megabytes 100]

A repeat reads, checks and stores ranking tasks of 2.9 KB (two responses, three slots) into a new project, commit
included; its writes go to disk as in production. It is done in three ways: the import alone, by a worker as a job, and
by the command with its own start. Then files of a tenth of the given size and of the whole size are
imported as jobs by worker processes: the highest memory of each is printed. At last the large one is cancelled on the
way, killed on the way, taken up again and repeated, and the tasks are counted each time. Prints one JSON line a
measurement.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


def new_project(slug: str) -> Any:
    from annotation.services.projects import create_project

    return create_project(name=slug, slug=slug, kind="ranking", created_by=None)


def import_file(path: Path, slug: str) -> float:
    """Seconds for one file into a new project: read, checked, stored and committed."""
    from django.core.management import call_command

    new_project(slug)
    started = time.perf_counter()
    call_command("import_judgments", str(path), project=slug, stdout=sys.stderr)
    return time.perf_counter() - started


def import_by_command(path: Path, slug: str) -> float:
    """The same as a person at a shell waits for it: from the command's start to its end."""
    new_project(slug)
    started = time.perf_counter()
    command = [sys.executable, "manage.py", "import_judgments", str(path), "--project", slug]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def import_as_job(path: Path, slug: str) -> float:
    """The same by a worker that is up, from the claim to the end; the upload is not in it."""
    from annotation.services.import_running import run_import
    from annotation.services.import_uploads import start_import

    job, manager = upload(path, slug)
    start_import(job=job, actor=manager)
    started = time.perf_counter()
    if run_import(import_job_id=job.pk) != "succeeded":
        raise SystemExit("The import failed.")
    return time.perf_counter() - started


def measure_speed(home: Path, tasks: int, repeats: int) -> None:
    path = home / "tasks.jsonl"
    write_tasks(path, count=tasks)
    ways = {
        "import": import_file,
        "import as a job": import_as_job,
        "import, with the command's start": import_by_command,
    }
    for name, measured in ways.items():
        slug = measured.__name__.replace("_", "-")
        rates = sorted(tasks / measured(path, f"{slug}-{number}") for number in range(repeats))
        low, middle, high = round(rates[0]), round(statistics.median(rates)), round(rates[-1])
        figures = {"measurement": f"{name}, tasks a second", "tasks": tasks}
        print(json.dumps({**figures, "min": low, "median": middle, "max": high}), flush=True)


WORKER = """
import sys, resource, django
django.setup()
from annotation.services.import_running import run_import
print(run_import(import_job_id=int(sys.argv[1])), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def start_worker(job_id: int) -> "subprocess.Popen[str]":
    """A process of its own that works on the import."""
    command = [sys.executable, "-c", WORKER, str(job_id)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def wait_for_share(job: Any, share: float) -> None:
    """Until the import says that it has done that share of its file."""
    while job.bytes_done < share * job.size_bytes:
        time.sleep(0.05)
        job.refresh_from_db()


def tell(event: str, job: Any, worker: "subprocess.Popen[str]", started: float) -> None:
    from annotation.models import Task

    said = (worker.communicate()[0] or "").split()
    seconds = round(time.perf_counter() - started, 1)
    job.refresh_from_db()
    stored = Task.objects.filter(project=job.project).count()
    figures = {
        "measurement": event,
        "megabytes": job.size_bytes // MEGABYTE,
        "state": job.state,
        "tasks_stored": stored,
        "skipped": job.counts.get("skipped", 0),
        "seconds": seconds,
        "peak_memory_mib": int(said[1]) if len(said) == 2 else None,
    }
    print(json.dumps(figures), flush=True)


def upload(path: Path, slug: str) -> tuple[Any, Any]:
    from annotation.models import User
    from annotation.services.import_uploads import upload_import
    from annotation.services.projects import create_project

    manager, _ = User.objects.get_or_create(username="manager", is_superuser=True)
    project = create_project(name=slug, slug=slug, kind="ranking", created_by=manager)
    with path.open("rb") as file:
        chunks = iter(lambda: file.read(MEGABYTE), b"")
        return upload_import(project=project, actor=manager, chunks=chunks, file_name=path.name), manager


def measure_jobs(home: Path, megabytes: int) -> None:
    """The life of a large import, each part by a worker of its own."""
    from datetime import timedelta

    from django.db.models.functions import Now

    from annotation.models import ImportJob
    from annotation.services.import_running import requeue_lost_imports
    from annotation.services.import_uploads import cancel_import, start_import

    def run(event: str, job: Any, interrupt: Callable[["subprocess.Popen[str]"], None] | None = None) -> None:
        started = time.perf_counter()
        worker = start_worker(job.pk)
        if interrupt is not None:
            wait_for_share(job, 0.4)
            interrupt(worker)
        tell(event, job, worker, started)

    for size in (max(1, megabytes // 10), megabytes):
        write_tasks(home / "large.jsonl", megabytes=size)
        job, manager = upload(home / "large.jsonl", f"large-{size}")
        run("import as a job", start_import(job=job, actor=manager))
    job, manager = upload(home / "large.jsonl", "interrupted")
    run("cancelled", start_import(job=job, actor=manager), lambda _: cancel_import(job=job, actor=manager) and None)
    run("killed", start_import(job=job, actor=manager), lambda worker: worker.kill())
    ImportJob.objects.filter(pk=job.pk).update(lease_expires_at=Now() - timedelta(seconds=1))
    requeue_lost_imports()
    run("taken up again", job)
    run("repeated", start_import(job=job, actor=manager))


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
            measure_jobs(home, arguments.megabytes)
    finally:
        from config.services import release_services

        release_services()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
