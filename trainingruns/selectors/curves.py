"""Which curves a run's page shows, and where each is explained."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trainingruns.charts import Curve, Interval, draw_curve
from trainingruns.metric_words import MetricEntry, metric_chapters
from trainingruns.models import ONLINE_KINDS, Run


@dataclass(frozen=True, slots=True)
class CurveSpec:
    """One curve of a kind of run."""

    label: str
    names: tuple[str, ...]
    """The metrics that are added up; the first one's row in docs/metrics.md explains the curve."""
    interval: tuple[str, str] | None = None
    """The metrics that are the ends of its interval, where it has one."""


@dataclass(frozen=True, slots=True)
class ExplainedCurve:
    """A curve with its row in docs/metrics.md, None where it has none."""

    curve: Curve
    entry: MetricEntry | None


UPDATE = CurveSpec("Change of the weights, relative", ("update_norm",))
WORK = (
    CurveSpec("Share of the device's peak", ("peak_share_train",)),
    CurveSpec("Padding computed", ("padding_fraction",)),
)
GROUPS = (
    CurveSpec("Groups with equal rewards", ("zero_std_fraction",)),
    CurveSpec("Groups worth keeping", ("keep_rate",)),
)
ONLINE = (
    CurveSpec("Reward", ("reward",)),
    CurveSpec("Reward without shaping", ("reward_task",)),
    CurveSpec("KL to the reference, nats", ("kl_sequence",)),
    CurveSpec("Distance from the reward model's training, typical = 1", ("reward_distance",)),
    CurveSpec("Entropy, nats", ("entropy",)),
    CurveSpec("Completion length, tokens", ("length_mean",)),
    CurveSpec("Cut off at the limit", ("truncated_fraction",)),
    *GROUPS,
    CurveSpec("Preferred by people", ("human_win_rate",), ("human_win_rate_low", "human_win_rate_high")),
    CurveSpec("Reward agrees with people", ("human_reward_accuracy",)),
    CurveSpec("Held back by a clip limit", ("clip_low_fraction", "clip_high_fraction")),
    CurveSpec("Gradient norm", ("grad_norm",)),
    UPDATE,
    CurveSpec("Loss", ("loss",)),
    *WORK,
)
CRITIC = (
    CurveSpec("Variance that the critic explains", ("explained_variance",)),
    CurveSpec("Value loss", ("value_loss",)),
)
CURVES: dict[str, tuple[CurveSpec, ...]] = {
    Run.Kind.REWARD: (
        CurveSpec("Loss", ("loss",)),
        CurveSpec("Accuracy on the batch", ("accuracy",)),
        CurveSpec("Accuracy on held-out pairs", ("eval_accuracy",)),
        CurveSpec("Gradient norm", ("grad_norm",)),
        UPDATE,
        CurveSpec("Pairs a second", ("pairs_per_second",)),
        CurveSpec("Padding computed", ("padding_fraction",)),
        CurveSpec("Learning rate", ("learning_rate",)),
    ),
    Run.Kind.SFT: (
        CurveSpec("Loss, nats a token", ("loss",)),
        CurveSpec("Loss on held-out responses", ("eval_loss",)),
        CurveSpec("Entropy, nats", ("entropy",)),
        CurveSpec("Gradient norm", ("grad_norm",)),
        UPDATE,
        CurveSpec("Learning rate", ("learning_rate",)),
        CurveSpec("Tokens a second", ("tokens_per_second_train",)),
        *WORK,
    ),
    Run.Kind.DPO: (
        CurveSpec("Loss", ("loss",)),
        CurveSpec("Accuracy on the batch", ("accuracy",)),
        CurveSpec("Accuracy on held-out pairs", ("eval_accuracy",)),
        CurveSpec("Lead of the chosen response", ("reward_margin",)),
        CurveSpec("Log-prob of the chosen response", ("log_prob_chosen",)),
        CurveSpec("Log-prob of the rejected response", ("log_prob_rejected",)),
        CurveSpec("Gradient norm", ("grad_norm",)),
        UPDATE,
        *WORK,
    ),
    Run.Kind.PPO: (*(spec for spec in ONLINE if spec not in GROUPS), *CRITIC),
    **dict.fromkeys((kind for kind in ONLINE_KINDS if kind != Run.Kind.PPO), ONLINE),
    Run.Kind.SAMPLE: (CurveSpec("Tokens a second", ("tokens_per_second_generate",)),),
}


POLICY_CHAPTERS = ("Policy runs",)
GIVEN_CHAPTERS = ("Runs on given responses",)
CHAPTERS: dict[str, tuple[str, ...]] = {
    Run.Kind.REWARD: ("Reward runs",),
    Run.Kind.SFT: GIVEN_CHAPTERS,
    Run.Kind.DPO: GIVEN_CHAPTERS,
}
"""Titles of the chapters of docs/metrics.md that speak of a kind, most particular first."""


def run_curves(*, run: Run) -> list[ExplainedCurve]:
    """The curves that matter for the run's kind, as far as it has come."""
    rows = list(run.metrics.order_by("step").values_list("step", "values"))
    curves = []
    for spec in CURVES.get(run.kind, ()):
        shown = [(step, total, values) for step, values in rows if (total := _sum(values, spec.names)) is not None]
        if shown:
            points = [(step, total) for step, total, _ in shown]
            intervals = [_interval(values, spec.interval) for _, _, values in shown] if spec.interval else None
            curve = draw_curve(spec.names[0], spec.label, points, intervals)
            curves.append(ExplainedCurve(curve, explain(run.kind, spec)))
    return curves


def explain(kind: str, spec: CurveSpec) -> MetricEntry | None:
    """The row of docs/metrics.md that the curve links to."""
    by_title = {chapter.title: chapter for chapter in metric_chapters()}
    chapters = [by_title[title] for title in CHAPTERS.get(kind, POLICY_CHAPTERS) if title in by_title]
    return next((entry for chapter in chapters if (entry := chapter.entry(spec.names[0])) is not None), None)


def _sum(values: dict[str, Any], names: Sequence[str]) -> float | None:
    # A metric that was not finite is null; it leaves a gap, not a zero.
    found = [values.get(name) for name in names]
    return None if any(value is None for value in found) else float(sum(value for value in found if value is not None))


def _interval(values: dict[str, Any], names: tuple[str, str]) -> Interval | None:
    low, high = values.get(names[0]), values.get(names[1])
    return None if low is None or high is None else (float(low), float(high))
