"""The registry: what becomes a model version, and which version is the champion."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Max

from annotation.exceptions import ApplicationError, Conflict
from annotation.models import Membership, Project, User
from annotation.permissions import require_role
from annotation.services import audit
from trainingruns.artifacts import artifact_path, folder_digest
from trainingruns.models import ModelVersion, Run

Stage = ModelVersion.Stage
REWARD_CARD = "reward_model.json"
"""The file by which a trainer knows the folder of a reward model."""


@transaction.atomic
def register_version(
    *,
    kind: str,
    name: str,
    artifact: str,
    sha256: str,
    project: Project | None = None,
    parent: ModelVersion | None = None,
    run: Run | None = None,
    metrics: Mapping[str, Any] | None = None,
    actor: User | None = None,
) -> ModelVersion:
    """A new candidate under the next number of its name. A run gives one version, however often it is asked."""
    if run is not None and (known := ModelVersion.objects.filter(run=run).first()) is not None:
        return known
    highest = ModelVersion.objects.filter(kind=kind, name=name).aggregate(Max("number"))["number__max"] or 0
    version = ModelVersion.objects.create(
        kind=kind,
        name=name,
        number=highest + 1,
        artifact=artifact,
        sha256=sha256,
        project=project,
        parent=parent,
        run=run,
        metrics=dict(metrics or {}),
    )
    audit.record(
        actor=actor,
        action="register_version",
        obj=version,
        project=project,
        data={"kind": kind, "name": name, "number": version.number, "sha256": sha256},
    )
    return version


def register_base_version(*, name: str, folder: str, kind: str = "policy", actor: User | None = None) -> ModelVersion:
    """A model from outside that every project may start from; the first of its name is its champion.

    folder: a normal Hugging Face folder, absolute or below the artifacts root.
    Raises: ApplicationError when it is no such folder.
    """
    path = artifact_path(folder)
    _check_model_folder(path, kind)
    digest = folder_digest(path)
    if (known := ModelVersion.objects.filter(kind=kind, name=name, sha256=digest, project=None).first()) is not None:
        return known
    with transaction.atomic():
        version = register_version(kind=kind, name=name, artifact=folder, sha256=digest, actor=actor)
        if champion_of(kind=kind, name=name) is None:
            crown(version=version, actor=actor)
    return version


def promote(*, version: ModelVersion, actor: User) -> ModelVersion:
    """Make a version the champion of its name; the one before steps back. Raises: NotPermitted, NotFound."""
    _require_manager(version, actor)
    if version.stage == Stage.ARCHIVED:
        raise Conflict(f"{version} is archived.", code="version_archived")
    return crown(version=version, actor=actor)


@transaction.atomic
def archive(*, version: ModelVersion, actor: User) -> ModelVersion:
    """Take a version out of use; its files stay, for lineage needs them. Raises: NotPermitted, Conflict."""
    _require_manager(version, actor)
    if version.stage == Stage.CHAMPION:
        raise Conflict(f"{version} is the champion. Promote another version first.", code="version_is_champion")
    return _move(version, Stage.ARCHIVED, "archive_version", actor)


@transaction.atomic
def crown(*, version: ModelVersion, actor: User | None = None) -> ModelVersion:
    """The product's own promotion, and what `promote` does once the person may."""
    # Two promotions of one name at once would meet at the unique index; the lock has them queue instead.
    rivals = ModelVersion.objects.select_for_update().filter(kind=version.kind, name=version.name)
    for rival in rivals.filter(stage=Stage.CHAMPION).exclude(pk=version.pk):
        _move(rival, Stage.CANDIDATE, "step_back", actor)
    return _move(version, Stage.CHAMPION, "promote_version", actor)


def champion_of(*, kind: str, name: str) -> ModelVersion | None:
    """The champion among the versions of one name."""
    return ModelVersion.objects.filter(kind=kind, name=name, stage=Stage.CHAMPION).first()


def _move(version: ModelVersion, stage: str, action: str, actor: User | None) -> ModelVersion:
    version.stage = stage
    version.save(update_fields=["stage"])
    audit.record(actor=actor, action=action, obj=version, project=version.project, data={"version": str(version)})
    return version


def _require_manager(version: ModelVersion, actor: User) -> None:
    if version.project is not None:
        require_role(user=actor, project=version.project, role=Membership.Role.MANAGER)
    elif not actor.is_superuser:
        raise ApplicationError(
            f"{version} belongs to no project; only an administrator changes it.", code="not_permitted"
        )


def _check_model_folder(path: Path, kind: str) -> None:
    missing = [name for name in ("config.json",) if not (path / name).is_file()]
    if missing or not any(path.glob("*.safetensors")):
        raise ApplicationError(
            f"{path} is no model folder: it needs config.json and weights as .safetensors.", code="no_model_folder"
        )
    is_reward = (path / REWARD_CARD).is_file()
    if is_reward != (kind == ModelVersion.Kind.REWARD):
        found = f"has a {REWARD_CARD}" if is_reward else f"has no {REWARD_CARD}"
        raise ApplicationError(
            f"{path} {found}, so register it as a {'reward model' if is_reward else 'policy'}.", code="wrong_kind"
        )
