"""This product and Label Studio in one run: loops of next task and submit, by 1, 8 and 32 annotators, and at overlap 3.

    python benchmarks/beside_label_studio.py --peer FOLDER [--label-studio PYTHON] [--seconds 12]

FOLDER holds the peers' client (`bench_annotate.py`, `bench_common.py`). PYTHON is that of an environment which has
label-studio and gunicorn; without it this product is measured alone. Each gets a real Postgres of its own, ranking
tasks of the same size, a token an annotator, and one server at a time on the machine. Prints one JSON line a case and,
where both ran, the ratios.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from measure import MAKE_PEOPLE, ROOT, manage, own_site, wait_for, write_tasks

PEOPLE = 32
CASES = ((1, 1), (8, 1), (32, 1), (32, 3))
"""Annotators, and judgments that a task wants."""
MOST_LOOPS_A_SECOND = 400
LABEL_STUDIO_TASKS = 1500
WORKERS = 4
PROJECTS = """
from annotation.models import Project
for slug, overlap in (("load", 1), ("wants-1", 1), ("wants-3", 3)):
    Project.objects.create(slug=slug, name=slug, kind="ranking", judgments_per_task=overlap)
"""
JOIN = """
from annotation.models import Membership, Project, User
for project in Project.objects.exclude(slug="load"):
    for person in User.objects.filter(username__startswith="load-"):
        Membership.objects.create(project=project, user=person)
"""
FILL_LABEL_STUDIO = """
import json, sys
from django.conf import settings
from jwt_auth.models import JWTSettings
from organizations.models import Organization
from projects.models import Project
from rest_framework.authtoken.models import Token
from tasks.models import Task
from users.models import User
boss = User.objects.create_user(email="boss@example.org", password="a long password")
organization = Organization.create_organization(created_by=boss, title="load")
JWTSettings.objects.update_or_create(organization=organization, defaults={{"legacy_api_tokens_enabled": True}})
people = [User.objects.create_user(email=f"load-{{n}}@example.org", password="a long one") for n in range({people})]
for person in [boss, *people]:
    organization.add_user(person)
    person.active_organization = organization
    person.save()
config = '<View><Text name="p" value="$prompt"/><List name="answers" value="$items" title="Answers"/>' \
         '<Ranker name="rank" toName="answers"/></View>'
text = "A sentence of the length that people write when they answer something in full. " * 15
projects = []
for overlap in (1, 3):
    project = Project.objects.create(title=f"wants {{overlap}}", label_config=config, created_by=boss,
                                     organization=organization, maximum_annotations=overlap)
    Task.objects.bulk_create([
        Task(project=project, overlap=overlap, data={{"prompt": f"{{n}}?", "items": [
            {{"id": key, "title": key, "body": f"{{key}}{{n}} {{text}}"}} for key in "ab"]}})
        for n in range({tasks})
    ])
    projects.append(project.pk)
tokens = [Token.objects.get_or_create(user=person)[0].key for person in people]
print("FILLED " + json.dumps({{"projects": projects, "tokens": tokens}}))
"""


def run_client(script: Path, *arguments: str) -> dict[str, Any]:
    """The client's line of figures."""
    said = subprocess.run([sys.executable, str(script), *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(said.stdout.splitlines()[-1]))


def measure_ours(peer: Path, seconds: float) -> dict[tuple[int, int], dict[str, Any]]:
    """Figures of this product, by case."""
    found = {}
    with own_site() as (environment, address):
        home = Path(environment["CONCORD_VAR"])
        write_tasks(home / "tasks.jsonl", int(3 * seconds * MOST_LOOPS_A_SECOND))
        manage(environment, "shell", "--verbosity", "0", "-c", PROJECTS)
        tokens = manage(environment, "shell", "--verbosity", "0", "-c", MAKE_PEOPLE.format(people=PEOPLE))
        (home / "tokens.txt").write_text(tokens)
        manage(environment, "shell", "--verbosity", "0", "-c", JOIN)
        for overlap in (1, 3):
            manage(environment, "import_judgments", str(home / "tasks.jsonl"), "--project", f"wants-{overlap}")
        for people, overlap in CASES:
            arguments = ["--peer", str(peer), "--base", address, "--project", f"wants-{overlap}"]
            arguments += ["--tokens", str(home / "tokens.txt"), "-c", str(people), "--duration", str(seconds)]
            found[people, overlap] = run_client(ROOT / "benchmarks" / "annotate_loop.py", *arguments)
            tell("concord", people, overlap, found[people, overlap])
    return found


def measure_label_studio(
    python: Path, binaries: Path, peer: Path, seconds: float
) -> dict[tuple[int, int], dict[str, Any]]:
    """Figures of Label Studio, by case."""
    found = {}
    with label_studio(python, binaries) as (address, filled, home):
        (home / "tokens.txt").write_text("\n".join(filled["tokens"]))
        for people, overlap in CASES:
            project = filled["projects"][(1, 3).index(overlap)]
            arguments = ["--base", address, "--project", str(project), "--tokens", str(home / "tokens.txt")]
            arguments += ["-c", str(people), "--duration", str(seconds)]
            found[people, overlap] = run_client(peer / "bench_annotate.py", *arguments)
            tell("label studio", people, overlap, found[people, overlap])
    return found


@contextmanager
def label_studio(python: Path, binaries: Path) -> Iterator[tuple[str, dict[str, Any], Path]]:
    """Address, projects with tokens, and folder of a Label Studio on a Postgres of its own, gone at the end."""
    sys.path.insert(0, str(ROOT))
    from config.embedded_postgres import EmbeddedPostgres

    home = Path(tempfile.mkdtemp(prefix="label-studio-"))
    home.chmod(0o711)
    (home / "postgres").mkdir()
    postgres = EmbeddedPostgres(home / "postgres")
    postgres.programs = binaries
    with (home / "log").open("wb") as log:
        postgres.start(log)
        try:
            with served(python, home, postgres.url, log) as (address, filled):
                yield address, filled, home
        finally:
            postgres.stop()
            shutil.rmtree(home, ignore_errors=True)


@contextmanager
def served(python: Path, home: Path, database: str, log: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Its tables made and filled, its server up."""
    find = "import importlib.util; print(importlib.util.find_spec('label_studio').submodule_search_locations[0])"
    package = subprocess.run([python, "-c", find], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    parts = urlsplit(database)
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "core.settings.label_studio",
        "DJANGO_DB": "default",
        "POSTGRE_HOST": unquote(parts.hostname or ""),
        "POSTGRE_USER": parts.username or "",
        "POSTGRE_NAME": parts.path.strip("/"),
        "POSTGRE_PASSWORD": "",
        "LABEL_STUDIO_BASE_DATA_DIR": str(home / "data"),
        "COLLECT_ANALYTICS": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "PYTHONPATH": package,
    }
    options: dict[str, Any] = {"cwd": package, "env": environment, "stderr": log}
    subprocess.run([python, "manage.py", "migrate", "-v", "0"], check=True, stdout=log, **options)
    fill = FILL_LABEL_STUDIO.format(people=PEOPLE, tasks=LABEL_STUDIO_TASKS)
    said = subprocess.run(
        [python, "manage.py", "shell", "-c", fill], check=True, stdout=subprocess.PIPE, text=True, **options
    )
    filled = next(line for line in said.stdout.splitlines() if line.startswith("FILLED "))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(python), "-m", "gunicorn", "core.wsgi:application", "-w", str(WORKERS), "-b", f"127.0.0.1:{port}"]
    server = subprocess.Popen([*command, "--keep-alive", "30"], stdout=log, **options)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", server, home / "log")
        yield f"http://127.0.0.1:{port}", json.loads(filled.removeprefix("FILLED "))
    finally:
        server.terminate()
        server.wait()


def tell(whose: str, people: int, overlap: int, figures: dict[str, Any]) -> None:
    line = {"whose": whose, "annotators": people, "overlap": overlap, "loops_a_second": figures["ann_per_s"]}
    line |= {"p50_ms": figures["loop"]["p50_ms"], "p99_ms": figures["loop"]["p99_ms"], "errors": figures["errors"]}
    print(json.dumps(line), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path, required=True)
    parser.add_argument("--label-studio", type=Path, help="the python of an environment that has it")
    parser.add_argument(
        "--postgres",
        type=Path,
        default=Path("/usr/lib/postgresql/15/bin"),
        help="binaries of one that has pg_trgm for it",
    )
    parser.add_argument("--seconds", type=float, default=12.0, help="of each case")
    given = parser.parse_args()
    ours = measure_ours(given.peer, given.seconds)
    if given.label_studio is None:
        return
    theirs = measure_label_studio(given.label_studio, given.postgres, given.peer, given.seconds)
    for (people, overlap), figures in ours.items():
        ratio = figures["ann_per_s"] / max(theirs[people, overlap]["ann_per_s"], 0.01)
        print(json.dumps({"annotators": people, "overlap": overlap, "times_label_studio": round(ratio, 1)}))


if __name__ == "__main__":
    main()
