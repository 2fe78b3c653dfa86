"""Reading runs for pages and the API."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from annotation.exceptions import NotFound
from annotation.models import Project, User
from annotation.permissions import Role, require_role
from annotation.selectors.work import projects_for
from trainingruns.lifecycle import RunState
from trainingruns.models import Run, Sample, Snapshot

MOST_PAIRS = 4


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """One prompt, answered by the reference and by the policy."""

    prompt: str
    reference: Sample
    policy: Sample


def runs_of(*, project: Project) -> QuerySet[Run]:
    """A project's runs, newest first."""
    return Run.objects.filter(project=project).select_related("snapshot", "model_version").order_by("-id")


def get_run(*, user: User, run_id: int, role: str = Role.REVIEWER) -> Run:
    """A run of a project in which the person has at least this role. Raises: NotFound, NotPermitted."""
    runs = Run.objects.select_related("project", "snapshot__project", "base_version", "reward_version", "created_by")
    run = runs.filter(pk=run_id, project__in=projects_for(user=user)).first()
    if run is None:
        raise NotFound("There is no such run.")
    require_role(user=user, project=run.project, role=role)
    return run


def judgeable_runs(*, project: Project) -> QuerySet[Run]:
    """Sample runs that kept what a policy needs to learn from people's judgments of their responses, newest first."""
    return Run.objects.filter(project=project, kind=Run.Kind.SAMPLE, config__sampling__keep_log_probs=True).order_by(
        "-id"
    )


def snapshots_of(*, project: Project) -> QuerySet[Snapshot]:
    """A project's snapshots, newest first."""
    return Snapshot.objects.filter(project=project).select_related("project").order_by("-id")


def before_and_after(*, run: Run, most: int = MOST_PAIRS) -> list[BeforeAfter]:
    """For some prompts, the reference's first response beside the policy's last."""
    reference = _first_by_prompt(run.samples.filter(source="reference").order_by("step", "id"))
    policy = _first_by_prompt(run.samples.filter(source="policy").order_by("-step", "id"))
    shared = [key for key in reference if key in policy][:most]
    return [BeforeAfter(_last_message(reference[key].prompt), reference[key], policy[key]) for key in shared]


def seconds_left(*, run: Run) -> float | None:
    """An estimate from the trainer's speed, None where it isn't known."""
    pace = run.status.get("seconds_per_step")
    return pace * max(0, run.total_steps - run.step) if pace and run.total_steps else None


def keeps_checkpoints(run: Run) -> bool:
    """Whether checkpoints of it are still there, if it made any: trainers drop theirs when done, unless told not to."""
    if run.state == RunState.SUCCEEDED:
        return bool(run.config.get("checkpoint", {}).get("keep_when_done"))
    return run.state != RunState.CANCELLED or run.cancel_keeps_checkpoint


def checkpoint_time(*, run: Run) -> datetime | None:
    """When the step of the newest checkpoint was reached; None without one."""
    if run.checkpoint_step is None or not keeps_checkpoints(run):
        return None
    return run.metrics.filter(step=run.checkpoint_step).values_list("at", flat=True).first()


def _first_by_prompt(samples: Iterable[Sample]) -> dict[str, Sample]:
    found: dict[str, Sample] = {}
    for sample in samples:
        found.setdefault(sample.prompt_id, sample)
    return found


def _last_message(prompt: list[dict[str, str]]) -> str:
    return prompt[-1]["content"] if prompt else ""
