"""What people said of a policy in training, step by step."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from annotation.models import Judgment, Project, Slot, Task
from trainingruns.selectors.verdicts import keys_by_source, share_won


@dataclass(frozen=True, slots=True)
class Judged:
    """One task that people have judged."""

    prompt_id: int
    share: float
    """Mean over its judgments of the share of comparisons that the policy won, ties half."""
    judgments: int


def open_origins(*, project: Project, origins: Sequence[str]) -> set[str]:
    """Those of the origins that have a task which still waits for somebody."""
    waiting = Slot.objects.filter(project=project, task__origin__in=origins, state__in=["free", "leased"])
    return set(waiting.values_list("task__origin", flat=True).distinct())


def judged_comparisons(*, project: Project, origin: str, ours: str, theirs: str) -> list[Judged]:
    """The judged tasks of an origin, in the order of tasks. ours, theirs: the sources that are compared."""
    tasks = Task.objects.filter(project=project, origin=origin)
    keys = keys_by_source(tasks)
    found: dict[tuple[int, int], list[float]] = defaultdict(list)
    rows = Judgment.objects.filter(task__in=tasks, is_current=True).order_by("task_id", "id")
    for task_id, prompt_id, tiers in rows.values_list("task_id", "task__prompt_id", "tiers"):
        share = share_won(tiers, ours=keys[task_id][ours], theirs=keys[task_id][theirs])
        if share is not None:
            found[task_id, prompt_id].append(share)
    return [Judged(prompt_id, sum(each) / len(each), len(each)) for (_, prompt_id), each in found.items()]
