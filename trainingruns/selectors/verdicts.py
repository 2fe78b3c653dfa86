"""What people say of a policy: its blind comparisons with the policy that it wants to replace."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from annotation.models import Judgment, Task, TaskResponse
from trainingruns.models import ModelVersion, Run

Z95 = 1.959964
"""Standard errors that a 95% interval reaches to either side."""


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
    value = sum(means) / len(means) if means else None
    low, high = wilson_interval(value, len(means)) if value is not None else (None, None)
    count = sum(len(each) for each in shares.values())
    return HumanVerdict(rival, value, low, high, len(means), asked - len(means), count, simulated, origin)


def share_won(tiers: Sequence[Sequence[str]], *, ours: Sequence[str], theirs: Sequence[str]) -> float | None:
    """Share of pairs (one of ours, one of theirs) that ours won in one ranking, ties half; None without such a pair.

    tiers: response keys, best first, ties together. Responses that were not ranked take no part.
    """
    place = {key: rank for rank, tier in enumerate(tiers) for key in tier}
    pairs = [(place[own], place[other]) for own in ours if own in place for other in theirs if other in place]
    if not pairs:
        return None
    return sum(1.0 if own < other else 0.5 if own == other else 0.0 for own, other in pairs) / len(pairs)


def wilson_interval(share: float, count: int) -> tuple[float, float]:
    """The 95% interval of a mean of `count` independent values between 0 and 1.

    Such values vary at most as much as heads and tails do, so that the interval is never too narrow on that account,
    and unlike a bootstrap it does not shrink to a point where all values agree.
    Source: Wilson 1927, J. Am. Stat. Assoc. 22, 209-212.
    """
    weight = Z95 * Z95 / count
    centre = (share + weight / 2) / (1 + weight)
    reach = Z95 * math.sqrt(share * (1 - share) / count + weight / (4 * count)) / (1 + weight)
    return max(0.0, centre - reach), min(1.0, centre + reach)


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
