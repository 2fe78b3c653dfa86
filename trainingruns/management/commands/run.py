"""`manage.py run KIND --snapshot ID`."""

import json
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand, CommandError
from kombu.exceptions import OperationalError

from annotation.exceptions import ApplicationError, NotFound
from annotation.models import Project
from trainingruns.lifecycle import FINISHED, RunState
from trainingruns.models import POLICY_KINDS, ModelVersion, Run, Snapshot
from trainingruns.selectors.registry import find_version
from trainingruns.selectors.reward_doubts import doubts_about_rewards
from trainingruns.selectors.sampling_doubts import doubts_about_sampling
from trainingruns.services import claims
from trainingruns.services.followups import fetch_base_model
from trainingruns.services.parts import refuse_unused
from trainingruns.services.runs import start_run
from trainingruns.supervisor import supervise_run
from trainingruns.wishes import AGAINST, fault_of_against, fault_of_serving, serving_purpose

POLL_SECONDS = 1.0
LOOK_SECONDS = 15.0
"""Between looks for a worker, for one that was there may go."""
OPTION_OF_FIELD = {
    "snapshot": "--snapshot",
    "base_version": "--base",
    "reward_version": "--reward",
    "ensemble": "--ensemble",
    "groups_run": "--groups",
    "config": "--config",
    "overrides": "--set",
}
"""By the name of a part of a run, the option that gives it."""


class Command(BaseCommand):
    help = "Starts a run. --wait stays until it has ended; without a live worker it then works in this process."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=[kind.value for kind in Run.Kind if kind != Run.Kind.PREVIEW])
        parser.add_argument("--snapshot", type=int, metavar="ID")
        parser.add_argument("--project", metavar="SLUG", help="needed only by kinds that take no snapshot")
        parser.add_argument("--config", type=Path, metavar="FILE", help="JSON, laid over the kind's recipe")
        parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides")
        parser.add_argument("--base", metavar="NAME/NUMBER", help="the model to start from")
        parser.add_argument(
            "--reward",
            metavar="NAME/NUMBER",
            help="the reward model of a policy run (default: the champion, else the newest; with --groups none)",
        )
        parser.add_argument(
            "--ensemble",
            action="append",
            default=[],
            metavar="NAME/NUMBER",
            help="a further reward model that scores beside it; may be given several times",
        )
        parser.add_argument(
            "--groups",
            type=int,
            metavar="RUN",
            help="a policy run: learn from what people said of this sample run; with --reward a model's score is added",
        )
        parser.add_argument("--serve", action="store_true", help="let people compare its responses, blindly")
        parser.add_argument(
            "--against",
            choices=list(AGAINST),
            help="with --serve: whose responses its own are compared with (default: champion, else the reference)",
        )
        parser.add_argument("--preview", action="store_true", help="train nothing: show what one sample would teach")
        parser.add_argument("--wait", action="store_true")
        parser.add_argument("--json", action="store_true", help="print the run as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run = self._start(options)
        except ApplicationError as error:
            raise CommandError(_explain(error)) from error
        for doubt in [*doubts_about_rewards(run), *doubts_about_sampling(run)]:
            self.stderr.write(doubt)
        if options["wait"]:
            self._wait(run)
            run.refresh_from_db()
        self.stdout.write(_as_json(run) if options["json"] else _as_text(run))
        if options["wait"] and run.state != RunState.SUCCEEDED:
            raise CommandError(f"{run} ended as {run.state}: {run.reason}")

    def _start(self, options: dict[str, Any]) -> Run:
        snapshot = _snapshot(options["snapshot"])
        parts: dict[str, Any] = {
            "snapshot": snapshot,
            "base_version": _version(options["base"], ModelVersion.Kind.POLICY),
            "reward_version": _version(options["reward"], ModelVersion.Kind.REWARD),
            "groups_run": _groups_run(options["groups"]),
            "config": _config(options["config"]),
            "overrides": options["overrides"],
        }
        kind = options["kind"]
        refuse_unused(kind=kind, parts=parts)
        project, purpose = _project(options["project"], snapshot), _purpose(options)
        if kind == Run.Kind.FETCH and not options["ensemble"] and not options["preview"]:
            return fetch_base_model(project=project)
        return start_run(
            project=project,
            kind=kind,
            ensemble=[_find(name, ModelVersion.Kind.REWARD) for name in options["ensemble"]],
            purpose=purpose,
            is_preview=options["preview"],
            **parts,
        )

    def _wait(self, run: Run) -> None:
        look_at = time.monotonic()
        while _state(run) not in FINISHED:
            if time.monotonic() >= look_at:
                self._look_for_worker(run)
                look_at = time.monotonic() + LOOK_SECONDS
            time.sleep(POLL_SECONDS)

    def _look_for_worker(self, run: Run) -> None:
        """Where nobody works on the run or will, this process does. Two that claim it at once don't both get it."""
        if run.pk in claims.requeue_lost_runs():
            run.refresh_from_db()
            self.stderr.write(f"{run}: {run.reason}")
        if _state(run) != RunState.QUEUED or worker_is_alive():
            return
        self.stderr.write(f"No worker listens on the queue gpu: {run} is worked on in this process.")
        while supervise_run(run_id=run.pk) == RunState.QUEUED:
            time.sleep(POLL_SECONDS)


def _state(run: Run) -> str:
    return Run.objects.values_list("state", flat=True).get(pk=run.pk)


def worker_is_alive() -> bool:
    """Whether a worker that takes runs answers."""
    try:
        queues = current_app.control.inspect(timeout=1.5).active_queues() or {}
    except OperationalError:
        return False
    return any(queue["name"] == "gpu" for worker in queues.values() for queue in worker)


def _purpose(options: dict[str, Any]) -> dict[str, Any]:
    kind, wanted, against = options["kind"], options["serve"], options["against"]
    makes_policy = kind in POLICY_KINDS
    if fault := fault_of_against(against, wanted=wanted, makes_policy=makes_policy):
        raise CommandError(f"--against: {fault}.")
    if fault := fault_of_serving(wanted=wanted, makes_policy=makes_policy, samples=kind == Run.Kind.SAMPLE):
        raise CommandError(f"--serve: {fault}.")
    return serving_purpose(kind, wanted=wanted, against=against)


def _explain(error: ApplicationError) -> str:
    """Why there is no run, with the option that is at fault."""
    if faults := error.extra.get("faults"):
        return "\n".join(faults)
    option = OPTION_OF_FIELD.get(error.extra.get("field", ""))
    return f"{option}: {error.message}" if option else error.message


def _snapshot(snapshot_id: int | None) -> Snapshot | None:
    if snapshot_id is None:
        return None
    snapshot = Snapshot.objects.select_related("project").filter(pk=snapshot_id).first()
    if snapshot is None:
        raise CommandError(f"There is no snapshot {snapshot_id}.")
    return snapshot


def _groups_run(run_id: int | None) -> Run | None:
    if run_id is None:
        return None
    run = Run.objects.select_related("project").filter(pk=run_id, kind=Run.Kind.SAMPLE).first()
    if run is None:
        raise CommandError(f"There is no sample run {run_id}.")
    return run


def _project(slug: str | None, snapshot: Snapshot | None) -> Project:
    if snapshot is not None:
        if slug not in (None, snapshot.project.slug):
            raise CommandError(f"--project: snapshot {snapshot.pk} is of {snapshot.project.slug}; leave that out.")
        return snapshot.project
    if slug is None:
        raise CommandError("Name a --snapshot, or a --project for a kind that takes none.")
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        raise CommandError(f"There is no project {slug!r}.")
    return project


def _version(reference: str | None, kind: str) -> ModelVersion | None:
    return _find(reference, kind) if reference else None


def _find(reference: str, kind: str) -> ModelVersion:
    """A version of this kind; one of another kind is left to `start_run`, which says what is wrong with it."""
    try:
        return find_version(reference=reference, kinds=[kind])
    except NotFound:
        return find_version(reference=reference)


def _config(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{path}: {error}") from error
    if not isinstance(config, dict):
        raise CommandError(f"{path}: expected a JSON object.")
    return config


def _as_json(run: Run) -> str:
    version = ModelVersion.objects.filter(run=run).first()
    return json.dumps(
        {
            "id": run.pk,
            "kind": run.kind,
            "state": run.state,
            "reason": run.reason,
            "directory": run.directory,
            "config": run.config,
            "result": run.result,
            "exit_code": run.exit_code,
            "version": f"{version.name}/{version.number}" if version else None,
        }
    )


def _as_text(run: Run) -> str:
    return f"{run} ({run.kind}): {run.state}. {run.reason}".strip()
