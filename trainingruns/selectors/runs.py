"""Reading runs for pages and the API."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from annotation.exceptions import NotFound
from annotation.models import Project, User
from annotation.permissions import Role, require_role
from annotation.selectors.work import projects_for
from trainingruns.charts import Curve, IntervalBar, draw_curve, place_interval
from trainingruns.models import ONLINE_KINDS, Run, Sample, Snapshot

Curves = tuple[tuple[str, str, tuple[str, ...]], ...]
ONLINE_CURVES: Curves = (
    ("reward", "Reward", ("reward",)),
    ("kl", "KL to the reference, nats", ("kl_sequence",)),
    ("entropy", "Entropy", ("entropy",)),
    ("length", "Completion length, tokens", ("length_mean",)),
    ("clip", "Clip fraction", ("clip_low_fraction", "clip_high_fraction")),
    ("loss", "Loss", ("loss",)),
    ("equal", "Groups with equal rewards", ("zero_std_fraction",)),
)
CURVES: dict[str, Curves] = {
    Run.Kind.REWARD: (
        ("loss", "Loss", ("loss",)),
        ("accuracy", "Accuracy on the batch", ("accuracy",)),
        ("eval_accuracy", "Accuracy on held-out pairs", ("eval_accuracy",)),
        ("grad_norm", "Gradient norm", ("grad_norm",)),
        ("pairs_per_second", "Pairs a second", ("pairs_per_second",)),
        ("learning_rate", "Learning rate", ("learning_rate",)),
    ),
    Run.Kind.SFT: (
        ("loss", "Loss, nats a token", ("loss",)),
        ("eval_loss", "Loss on held-out responses", ("eval_loss",)),
        ("entropy", "Entropy", ("entropy",)),
        ("grad_norm", "Gradient norm", ("grad_norm",)),
        ("speed", "Tokens a second", ("tokens_per_second_train",)),
        ("learning_rate", "Learning rate", ("learning_rate",)),
    ),
    Run.Kind.DPO: (
        ("loss", "Loss", ("loss",)),
        ("accuracy", "Accuracy on the batch", ("accuracy",)),
        ("eval_accuracy", "Accuracy on held-out pairs", ("eval_accuracy",)),
        ("margin", "Margin of chosen over rejected", ("reward_margin",)),
        ("chosen", "Log-prob of chosen responses", ("log_prob_chosen",)),
        ("grad_norm", "Gradient norm", ("grad_norm",)),
    ),
    **dict.fromkeys(ONLINE_KINDS, ONLINE_CURVES),
    Run.Kind.PPO: (*ONLINE_CURVES[:-1], ("critic", "Explained variance of the critic", ("explained_variance",))),
    Run.Kind.DAPO: (*ONLINE_CURVES, ("keep", "Share of groups kept", ("keep_fraction",))),
    Run.Kind.SAMPLE: (("speed", "Tokens a second", ("tokens_per_second_generate",)),),
}
"""By kind: key, label, and the metrics that are added up."""
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


def snapshots_of(*, project: Project) -> QuerySet[Snapshot]:
    """A project's snapshots, newest first."""
    return Snapshot.objects.filter(project=project).select_related("project").order_by("-id")


def run_curves(*, run: Run) -> list[Curve]:
    """The curves that matter for the run's kind, as far as it has come."""
    rows = list(run.metrics.order_by("step").values_list("step", "values"))
    curves = []
    for key, label, names in CURVES.get(run.kind, ()):
        points = [(step, total) for step, values in rows if (total := _sum(values, names)) is not None]
        if points:
            curves.append(draw_curve(key, label, points))
    return curves


def accuracy_bars(*, run: Run) -> list[IntervalBar]:
    """A reward model's accuracy beside what is easily reached and what people reach; a DPO policy is one of a kind."""
    wanted = (
        ("This policy" if run.kind == Run.Kind.DPO else "This reward model", "accuracy"),
        ("Taking the longer response", "longer_wins"),
        ("One person against the others", "human_ceiling"),
    )
    bars = (place_interval(label, run.result.get(key), row) for row, (label, key) in enumerate(wanted))
    return [bar for bar in bars if bar is not None]


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


def checkpoint_time(*, run: Run) -> datetime | None:
    """When the step of the newest checkpoint was reached."""
    if run.checkpoint_step is None:
        return None
    return run.metrics.filter(step=run.checkpoint_step).values_list("at", flat=True).first()


def _sum(values: dict[str, Any], names: Sequence[str]) -> float | None:
    # A metric that was not finite is null; it leaves a gap, not a zero.
    found = [values.get(name) for name in names]
    return None if any(value is None for value in found) else float(sum(value for value in found if value is not None))


def _first_by_prompt(samples: Iterable[Sample]) -> dict[str, Sample]:
    found: dict[str, Sample] = {}
    for sample in samples:
        found.setdefault(sample.prompt_id, sample)
    return found


def _last_message(prompt: list[dict[str, str]]) -> str:
    return prompt[-1]["content"] if prompt else ""
