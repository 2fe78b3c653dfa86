"""What people say of a policy: its blind comparisons with the policy that it wants to replace."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from annotation.models import Judgment, Task, TaskResponse
from annotation.quality.wilson import wilson_share
from trainingruns.models import ModelVersion, Run


@dataclass(frozen=True, slots=True)
class HumanVerdict:
    """How often people preferred the policy, ties half."""

    rival: ModelVersion
    value: float | None
    """Mean over tasks of the share of comparisons that the policy won; None while nobody has judged."""
    low: float | None
    high: float | None
    tasks: int
    """Tasks with a judgment that compares the two."""
    waiting: int
    """Tasks that nobody has judged."""
    judgments: int
    simulated: int
    """Judgments among them by simulated annotators."""
    origin: str
    """Names the tasks, for their list."""


def human_verdicts(*, version: ModelVersion) -> list[HumanVerdict]:
    """One for each time that the policy was put before people, newest first."""
    served = Run.objects.filter(kind=Run.Kind.SAMPLE, base_version=version, purpose__then="serve_blind_tasks")
    # A rival that had not answered yet was sampled in a run of its own; the tasks belong to the challenger's.
    runs = list(served.exclude(purpose__has_key="challenger_run").order_by("-id"))
    rivals = ModelVersion.objects.in_bulk([run.purpose["against"] for run in runs])
    found = (_verdict(version, rivals.get(run.purpose["against"]), f"run:{run.pk}", run.project_id) for run in runs)
    return [verdict for verdict in found if verdict is not None]


def _verdict(version: ModelVersion, rival: ModelVersion | None, origin: str, project_id: int) -> HumanVerdict | None:
    tasks = Task.objects.filter(project_id=project_id, origin=origin, purpose="normal")
    asked = tasks.count()
    if rival is None or not asked:
        return None
    sources = keys_by_source(tasks)
    judgments = Judgment.objects.filter(task__in=tasks, is_current=True).select_related("annotator")
    shares: dict[int, list[float]] = defaultdict(list)
    simulated = 0
    for judgment in judgments:
        by_key = sources[judgment.task_id]
        share = share_won(judgment.tiers, ours=by_key[_name(version)], theirs=by_key[_name(rival)])
        if share is not None:
            shares[judgment.task_id].append(share)
            simulated += judgment.annotator.is_simulated
    means = [sum(each) / len(each) for each in shares.values()]
    won = wilson_share(sum(means), len(means))
    count = sum(len(each) for each in shares.values())
    return HumanVerdict(rival, won.value, won.low, won.high, len(means), asked - len(means), count, simulated, origin)


def share_won(tiers: Sequence[Sequence[str]], *, ours: Sequence[str], theirs: Sequence[str]) -> float | None:
    """Share of pairs (one of ours, one of theirs) that ours won in one ranking, ties half; None without such a pair.

    tiers: response keys, best first, ties together. Responses that were not ranked take no part.
    """
    place = {key: rank for rank, tier in enumerate(tiers) for key in tier}
    pairs = [(place[own], place[other]) for own in ours if own in place for other in theirs if other in place]
    if not pairs:
        return None
    return sum(1.0 if own < other else 0.5 if own == other else 0.0 for own, other in pairs) / len(pairs)


def keys_by_source(tasks: QuerySet[Task]) -> Mapping[int, Mapping[str, list[str]]]:
    """For each task, the keys of its responses by who wrote them."""
    known = TaskResponse.objects.filter(task__in=tasks)
    rows = known.values_list("task_id", "response__source", "response__key")
    found: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for task_id, source, key in rows:
        found[task_id][source].append(key)
    return found


def _name(version: ModelVersion) -> str:
    """How responses name the policy that wrote them; see `services.serving.source_name`."""
    return f"{version.name}/{version.number}"
