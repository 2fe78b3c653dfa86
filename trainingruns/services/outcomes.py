"""What follows from a run that succeeded: a model version, a champion, the next run, new work for people."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import transaction

from annotation.exceptions import ApplicationError
from trainingruns.artifacts import folder_digest
from trainingruns.gates import judge_reward_model
from trainingruns.lifecycle import RunState
from trainingruns.models import ModelVersion, Run
from trainingruns.run_directory import directory_name
from trainingruns.run_files import read_json
from trainingruns.services import claims, followups, registry
from trainingruns.services.runs import BASE_NAME

Kind = ModelVersion.Kind


class IncompleteOutcome(RuntimeError):
    """The trainer said that it is done, but what it promised isn't there."""


def record_success(*, run: Run, directory: Path) -> None:
    """End the run as succeeded together with all that follows from it, or not at all. Raises: LeaseLost."""
    name = "preview.json" if run.kind == Run.Kind.PREVIEW else "result.json"
    result = read_json(directory / name)
    if not result and run.kind != Run.Kind.FETCH:
        raise IncompleteOutcome(f"the trainer ended well but left no {name}")
    # Reading hundreds of megabytes belongs before the transaction, not into it.
    digest = "" if run.kind in (Run.Kind.SAMPLE, Run.Kind.PREVIEW) else _model_digest(directory)
    with transaction.atomic():
        claims.finish_run(run=run, state=RunState.SUCCEEDED, reason="", exit_code=0, result=result)
        reason = _CONSEQUENCES.get(run.kind, _after_policy)(run, digest, result)
        Run.objects.filter(pk=run.pk).update(reason=reason)


def _model_digest(directory: Path) -> str:
    model = directory / "model"
    if not (model / "config.json").is_file():
        raise IncompleteOutcome("the trainer ended well but left no model folder")
    return folder_digest(model)


def _after_reward(run: Run, digest: str, result: dict[str, Any]) -> str:
    name = f"{run.project.slug}-reward"
    champion = registry.champion_of(kind=Kind.REWARD, name=name)
    verdict = judge_reward_model(result, champion.metrics if champion else None)
    version = _register(run, Kind.REWARD, name, digest, {**result, "gate": verdict.reason})
    if verdict.passes:
        registry.crown(version=version)
    follows = _follow_up(lambda: followups.after_reward_champion(run=run, version=version)) if verdict.passes else ""
    return f"{version}: {verdict.reason} {follows}".strip()


def _after_policy(run: Run, digest: str, result: dict[str, Any]) -> str:
    version = _register(run, Kind.POLICY, f"{run.project.slug}-policy", digest, result)
    follows = _follow_up(lambda: followups.after_policy(run=run, version=version))
    return f"{version} is a candidate. {follows}".strip()


def _after_sample(run: Run, digest: str, result: dict[str, Any]) -> str:
    return _follow_up(lambda: followups.after_sample(run=run))


def _after_fetch(run: Run, digest: str, result: dict[str, Any]) -> str:
    folder = f"{directory_name(run)}/model"
    version = registry.register_base_version(name=BASE_NAME, folder=folder)
    if version.artifact == folder:
        ModelVersion.objects.filter(pk=version.pk, run=None).update(run=run)
    follows = _follow_up(lambda: followups.after_fetch(run=run, version=version))
    return f"{version} is here. {follows}".strip()


def _follow_up(start: Callable[[], str]) -> str:
    """What the next link says of itself. Where it cannot start, what the run has made stands all the same."""
    try:
        with transaction.atomic():
            return start()
    except ApplicationError as error:
        return f"What was to follow could not start: {error.message}"


def _register(run: Run, kind: str, name: str, digest: str, metrics: dict[str, Any]) -> ModelVersion:
    return registry.register_version(
        kind=kind,
        name=name,
        artifact=f"{directory_name(run)}/model",
        sha256=digest,
        project=run.project,
        parent=run.base_version,
        run=run,
        metrics=metrics,
        actor=run.created_by,
    )


_CONSEQUENCES: dict[str, Callable[[Run, str, dict[str, Any]], str]] = {
    Run.Kind.REWARD: _after_reward,
    Run.Kind.SAMPLE: _after_sample,
    Run.Kind.FETCH: _after_fetch,
    Run.Kind.PREVIEW: lambda run, digest, result: "",
}
