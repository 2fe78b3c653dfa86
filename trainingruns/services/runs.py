"""Starting and cancelling runs. What a worker does with a run is in `claims`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from annotation.exceptions import ApplicationError, Conflict
from annotation.models import Membership, Project, User
from annotation.permissions import require_role
from annotation.queueing import enqueue
from annotation.services import audit
from trainingruns.configuration import build_config
from trainingruns.lifecycle import FINISHED, RunState
from trainingruns.models import ONLINE_KINDS, POLICY_KINDS, ModelVersion, Run, Snapshot
from trainingruns.run_directory import EXAMPLES, directory_name
from trainingruns.selectors.registry import champion_policy
from trainingruns.services.parts import check_part, refuse_unused
from trainingruns.services.reward_sources import check_ensemble, check_groups, name_sources, sampled_as
from trainingruns.wishes import SERVE_BLIND_TASKS

Kind = Run.Kind
RUN_JOB = "trainingruns.jobs.run_training"
BASE_NAME = "smollm2-135m-instruct"
LEAST_PROMPTS = 2
"""One to learn from and one to be judged on."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a run is made from."""

    snapshot: Snapshot | None
    base: ModelVersion | None
    reward: ModelVersion | None


@transaction.atomic
def start_run(
    *,
    project: Project,
    kind: str,
    snapshot: Snapshot | None = None,
    base_version: ModelVersion | None = None,
    reward_version: ModelVersion | None = None,
    ensemble: Sequence[ModelVersion] = (),
    groups_run: Run | None = None,
    config: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
    purpose: Mapping[str, Any] | None = None,
    is_preview: bool = False,
    created_by: User | None = None,
) -> Run:
    """A queued run, checked as far as it can be before it exists; a worker is told on commit.

    base_version: by default the project's champion of the kind, else the base model. reward_version: by default the
    project's champion, else its newest; none beside a `groups_run`. ensemble: reward models that score beside
    `reward_version`; where they differ less is given. groups_run: a sample run whose responses people have judged, to
    learn from those, sampled as it says. is_preview: the run trains nothing and shows what it would make of one sample.
    Raises: ApplicationError `invalid_config` (with `faults`), `wrong_kind` or `unused_part` (with `field`), or a code
    that names the missing part.
    """
    if created_by is not None:
        require_role(user=created_by, project=project, role=Membership.Role.MANAGER)
    _check_kind(kind, is_preview=is_preview)
    # Enumeration members are no plain text to the trainers' strict parsers.
    kind = Kind(kind).value
    models = {"base_version": base_version, "reward_version": reward_version}
    settings = {"config": config, "overrides": overrides}
    refuse_unused(kind=kind, parts={"snapshot": snapshot, **models, "groups_run": groups_run, **settings})
    wishes = {**(purpose or {}), **name_sources(groups_run=groups_run, ensemble=ensemble)}
    parts = _check_parts(project, kind, _Parts(snapshot, base_version, reward_version), wishes)
    check_ensemble(project=project, kind=kind, reward=parts.reward, ensemble=ensemble)
    wished = {"config": config, "overrides": [*sampled_as(groups_run), *overrides]}
    complete = _config(kind, wished, parts, ensemble, is_compared=wishes.get("then") == SERVE_BLIND_TASKS)
    check_groups(project=project, config=complete, purpose=wishes)
    _check_people(project, complete)
    run = Run.objects.create(
        project=project,
        kind=Kind.PREVIEW if is_preview else kind,
        snapshot=parts.snapshot,
        base_version=parts.base,
        reward_version=parts.reward,
        config=complete,
        purpose={**wishes, **_rival(project, kind, parts.base)},
        created_by=created_by,
    )
    return put_in_queue(run)


def put_in_queue(run: Run) -> Run:
    """A new run with its directory named and its beginning on record; a worker is told on commit."""
    Run.objects.filter(pk=run.pk).update(directory=directory_name(run))
    run.directory = directory_name(run)
    audit.record(actor=run.created_by, action="start_run", obj=run, project=run.project, data={"kind": run.kind})
    enqueue(RUN_JOB, run_id=run.pk)
    return run


@transaction.atomic
def cancel_run(*, run: Run, actor: User, keep_checkpoint: bool = True) -> Run:
    """A waiting run ends at once; a running one writes a checkpoint and stops. Asking twice changes nothing.

    keep_checkpoint: False ends a running trainer at once and throws its checkpoints away.

    Raises: NotFound, NotPermitted; Conflict when the run has already ended.
    """
    require_role(user=actor, project=run.project, role=Membership.Role.MANAGER)
    reason = f"Cancelled by {actor.username} before it started."
    waiting = Run.objects.filter(pk=run.pk, state=RunState.QUEUED)
    if not waiting.update(state=RunState.CANCELLED, reason=reason, finished_at=Now(), cancel_requested_at=Now()):
        running = Run.objects.filter(pk=run.pk, state=RunState.RUNNING)
        running.filter(cancel_requested_at=None).update(
            cancel_requested_at=Now(), cancel_keeps_checkpoint=keep_checkpoint
        )
    run.refresh_from_db()
    if run.state in FINISHED and run.cancel_requested_at is None:
        raise Conflict(f"{run} has already ended: {run.state}.", code="run_has_ended", extra={"state": run.state})
    audit.record(actor=actor, action="cancel_run", obj=run, project=run.project)
    return run


def default_base(*, project: Project, kind: str) -> ModelVersion | None:
    """Where a run starts when nobody says: the newest champion policy of the project for policies and sampling, else
    the base model."""
    policies = ModelVersion.objects.filter(kind=ModelVersion.Kind.POLICY, stage=ModelVersion.Stage.CHAMPION)
    own = policies.filter(project=project).first() if kind != Kind.REWARD else None
    # Among models from outside the product's own base is the default; one that somebody registered is the next best.
    shared = policies.filter(project=None)
    return own or shared.filter(name=BASE_NAME).first() or shared.first()


def default_reward(*, project: Project) -> ModelVersion | None:
    """The project's champion reward model, else its newest candidate."""
    own = ModelVersion.objects.filter(project=project, kind=ModelVersion.Kind.REWARD)
    champion = own.filter(stage=ModelVersion.Stage.CHAMPION).first()
    return champion or own.filter(stage=ModelVersion.Stage.CANDIDATE).first()


def _rival(project: Project, kind: str, base: ModelVersion | None) -> dict[str, Any]:
    """The project's champion, where a policy starts from another model: it is compared with both."""
    champion = champion_policy(project=project) if kind in ONLINE_KINDS else None
    return {"champion": champion.pk} if champion is not None and champion != base else {}


def _check_kind(kind: str, *, is_preview: bool) -> None:
    known = [value for value in Kind.values if value != Kind.PREVIEW]
    if kind not in known:
        raise ApplicationError(f"There is no kind of run {kind!r}; there are {', '.join(known)}.", code="unknown_kind")
    if is_preview and kind not in POLICY_KINDS:
        raise ApplicationError(f"A {kind} run has no preview; a policy's training has.", code="no_preview")


def _check_parts(project: Project, kind: str, parts: _Parts, purpose: dict[str, Any]) -> _Parts:
    if kind == Kind.FETCH:
        return _Parts(None, None, None)
    base = parts.base or default_base(project=project, kind=kind)
    reward = None
    if base is None:
        raise _missing(
            "no_base_version",
            f"There is no model to start from. `manage.py run fetch --project {project.slug}` brings the base model, "
            "`manage.py register_model` takes in another.",
        )
    if kind in ONLINE_KINDS:
        # People's scores are learned from as they are, unless somebody wishes to have a model's added to them.
        default = None if "groups_of" in purpose else default_reward(project=project)
        reward = parts.reward or default
    for name, part in (("base_version", base), ("reward_version", reward), ("snapshot", parts.snapshot)):
        check_part(name, part, project=project)
    _check_snapshot(kind, parts.snapshot, purpose)
    return _Parts(parts.snapshot, base, reward)


def _check_snapshot(kind: str, snapshot: Snapshot | None, purpose: dict[str, Any]) -> None:
    if snapshot is None:
        if kind == Kind.SAMPLE and purpose.get("prompt_ids"):
            return
        raise _missing("no_snapshot", f"A {kind} run needs a snapshot. Make one on the data page or with `snapshot`.")
    if kind in (Kind.REWARD, Kind.DPO) and not (snapshot.train_pairs and snapshot.eval_pairs):
        raise _missing(
            "empty_snapshot",
            f"{snapshot} has {snapshot.train_pairs} pairs to train on and {snapshot.eval_pairs} held out; "
            f"a {kind} run needs both. Collect more judgments, or hold out a larger share.",
        )
    if kind == Kind.SFT:
        _check_examples(snapshot)
    # A snapshot whose manifest does not say is left for the trainer to judge.
    prompts = _count_records(snapshot, "prompts.jsonl", unknown=LEAST_PROMPTS)
    if kind in ONLINE_KINDS and prompts < LEAST_PROMPTS:
        raise _missing(
            "too_few_prompts",
            f"{snapshot} has {prompts} prompts; a policy run needs at least {LEAST_PROMPTS}, for it "
            "learns from some and is judged on others. Import more prompts and make a new snapshot.",
        )


def _check_people(project: Project, config: Mapping[str, Any]) -> None:
    """People can compare answers of a policy in training only where they rank."""
    if config.get("evaluation", {}).get("people_every_steps") and project.kind != "ranking":
        fault = "evaluation.people_every_steps: people of this project compare no responses; leave it out"
        raise ApplicationError(f"{fault}.", code="invalid_config", extra={"faults": [fault]})


def _check_examples(snapshot: Snapshot) -> None:
    train, held_out = (_count_records(snapshot, name, unknown=-1) for name in EXAMPLES)
    if train < 0:
        raise _missing("no_examples", f"{snapshot} is of a time before there were examples; make a new snapshot.")
    if not (train and held_out):
        raise _missing(
            "empty_snapshot",
            f"{snapshot} has {train} responses to imitate and {held_out} held out; an sft run needs both. Collect more "
            "judgments, name the sources of demonstrations, or hold out a larger share.",
        )


def _count_records(snapshot: Snapshot, name: str, *, unknown: int) -> int:
    """Records in one of the snapshot's files; `unknown` where its manifest does not say."""
    return int(snapshot.manifest.get("files", {}).get(name, {}).get("records", unknown))


def _config(
    kind: str, wished: Mapping[str, Any], parts: _Parts, ensemble: Sequence[ModelVersion], *, is_compared: bool
) -> dict[str, Any]:
    if kind == Kind.FETCH:
        return {}
    assert parts.base is not None
    return build_config(
        kind=kind, base=parts.base, reward=parts.reward, ensemble=ensemble, is_compared=is_compared, **wished
    )


def _missing(code: str, message: str) -> ApplicationError:
    return ApplicationError(message, code=code)
