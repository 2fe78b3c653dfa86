"""Looking at one sample before training: which of its tokens get loss, value and reward."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from annotation.exceptions import ApplicationError
from annotation.models import Membership, User
from annotation.permissions import require_role
from trainingruns.models import POLICY_KINDS, Run
from trainingruns.services.runs import put_in_queue


@transaction.atomic
def start_preview(*, run: Run, created_by: User, prompt: int = 0) -> Run:
    """A preview of a run's configuration on one of its prompts or records, or another of what a preview shows.

    prompt: its place in the run's data, from 0.
    Raises: NotFound, NotPermitted; ApplicationError where the run trains no policy.
    """
    kind = run.config.get("kind", run.kind)
    if kind not in POLICY_KINDS:
        raise ApplicationError(f"{run} trains no policy, so there is nothing to preview.", code="no_preview")
    return _start_like(run, Run.Kind.PREVIEW, {**run.purpose, "prompt": prompt}, created_by)


@transaction.atomic
def start_previewed(*, run: Run, created_by: User) -> Run:
    """The run that a preview was of. Raises: NotFound, NotPermitted; ApplicationError where it is no preview."""
    if run.kind != Run.Kind.PREVIEW:
        raise ApplicationError(f"{run} is no preview.", code="no_preview")
    kept = {key: value for key, value in run.purpose.items() if key != "prompt"}
    return _start_like(run, run.config["kind"], kept, created_by)


def _start_like(run: Run, kind: str, purpose: Mapping[str, Any], created_by: User) -> Run:
    """A run made from the same parts, whose configuration was checked when the first was made."""
    require_role(user=created_by, project=run.project, role=Membership.Role.MANAGER)
    return put_in_queue(
        Run.objects.create(
            project=run.project,
            kind=kind,
            snapshot=run.snapshot,
            base_version=run.base_version,
            reward_version=run.reward_version,
            config=run.config,
            purpose=dict(purpose),
            created_by=created_by,
        )
    )
