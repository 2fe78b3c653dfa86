"""What a run may be made from: parts that its kind can use, models of the right kind, nothing of another project."""

from collections.abc import Mapping
from typing import Any

from annotation.exceptions import ApplicationError
from annotation.models import Project
from trainingruns.models import ONLINE_KINDS, ModelVersion, Run, Snapshot

_ALL_BUT_FETCH = tuple(kind for kind in Run.Kind if kind != Run.Kind.FETCH)
_USERS: dict[str, tuple[tuple[str, ...], str]] = {
    "snapshot": (_ALL_BUT_FETCH, "works on no snapshot"),
    "base_version": (_ALL_BUT_FETCH, "starts from no model"),
    "config": (_ALL_BUT_FETCH, "has no settings"),
    "overrides": (_ALL_BUT_FETCH, "has no settings"),
    "reward_version": (ONLINE_KINDS, "is not rewarded by a reward model"),
    "groups_run": (ONLINE_KINDS, "learns nothing from what people said of sampled responses"),
}
"""By the name of a part: the kinds of run that can use it, and what is to be said of the others."""
_WANTED: dict[str, tuple[str, str]] = {
    "base_version": (ModelVersion.Kind.POLICY, "a run starts from a policy"),
    "reward_version": (ModelVersion.Kind.REWARD, "only a reward model rewards a run"),
    "ensemble": (ModelVersion.Kind.REWARD, "only a reward model rewards a run"),
}
"""By the name of a part: the kind of model that it is, in a word and in words."""


def refuse_unused(*, kind: str, parts: Mapping[str, Any]) -> None:
    """Raises: ApplicationError `unused_part`, whose `extra["field"]` names the first part that such a run cannot use.

    parts: what was asked for, by the names of `start_run`; empty ones were not asked for.
    """
    for name, part in parts.items():
        users, why = _USERS[name]
        if part and kind not in users:
            raise _refusal("unused_part", f"A {kind} run {why}; leave that out.", name)


def check_part(name: str, part: ModelVersion | Snapshot | None, *, project: Project) -> None:
    """Whether a part, called `name` by `start_run`, can be used in this project; None is left to others to judge.

    Raises: ApplicationError `other_project` or `wrong_kind`, whose `extra["field"]` is the name.
    """
    if part is None:
        return
    if part.project_id not in (None, project.pk):
        raise _refusal("other_project", f"{part} belongs to another project.", name)
    if isinstance(part, ModelVersion):
        kind, words = _WANTED[name]
        if part.kind != kind:
            raise _refusal("wrong_kind", f"{part} is a {ModelVersion.Kind(part.kind).label.lower()}; {words}.", name)


def _refusal(code: str, message: str, field: str) -> ApplicationError:
    return ApplicationError(message, code=code, extra={"field": field})
