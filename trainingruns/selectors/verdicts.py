"""What people say of a policy: its blind comparisons with what it started from and with those it wants to replace."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from annotation.models import Judgment, Task, TaskResponse
from annotation.quality.wilson import Share, wilson_share
from trainingruns.models import ModelVersion, Run
from trainingruns.selectors.rivals import describe_rival, rival_champion


@dataclass(frozen=True, slots=True)
class HumanVerdict:
    """How often people preferred the policy to one rival, ties half."""

    rival: ModelVersion
    role: str
    """What the rival is to the policy, such as "the reference"; empty where it is just another policy."""
    value: float | None
    """Mean over prompts of the share of comparisons that the policy won; None while nobody has judged."""
    low: float | None
    high: float | None
    tasks: int
    """Tasks with a judgment that compares the two."""
    waiting: int
    """Tasks that nobody has judged."""
    judgments: int
    simulated: int
    """Judgments among them by simulated annotators."""
    origins: tuple[str, ...]
    """Name the tasks, for their lists: one for each time that the two were compared, newest first."""

    @property
    def label(self) -> str:
        """The rival by its role, where it has one, and its name."""
        return f"{self.role}, {self.rival}" if self.role else str(self.rival)


@dataclass(slots=True)
class _Asked:
    """The times that people were asked about one rival."""

    project_id: int
    origins: list[str]
    was_champion: bool


def human_verdicts(*, version: ModelVersion) -> list[HumanVerdict]:
    """One for each rival that the policy was compared with, over all times that it was: the reference before all
    others, then those asked about last."""
    served = Run.objects.filter(kind=Run.Kind.SAMPLE, base_version=version, purpose__then="serve_blind_tasks")
    # A rival that had not answered yet was sampled in a run of its own; the tasks belong to the challenger's.
    asked = _by_rival(list(served.exclude(purpose__has_key="challenger_run").order_by("-id")))
    rivals = ModelVersion.objects.in_bulk(asked)
    champion = rival_champion(version) if asked else None
    found = [_verdict(version, rivals[key], times, champion) for key, times in asked.items() if key in rivals]
    told = [verdict for verdict in found if verdict is not None]
    return sorted(told, key=lambda verdict: verdict.rival.pk != version.parent_id)


def _by_rival(runs: Sequence[Run]) -> dict[int, _Asked]:
    found: dict[int, _Asked] = {}
    for run in runs:
        for rival_id in run.rival_version_ids:
            asked = found.setdefault(rival_id, _Asked(run.project_id, [], was_champion=False))
            asked.origins.append(run.origin_against(rival_id))
            asked.was_champion |= run.purpose.get("champion_then") == rival_id
    return found


def _verdict(
    version: ModelVersion, rival: ModelVersion, asked: _Asked, champion: ModelVersion | None
) -> HumanVerdict | None:
    tasks = Task.objects.filter(project_id=asked.project_id, origin__in=asked.origins, purpose="normal")
    made = set(tasks.values_list("origin", flat=True).order_by().distinct())
    if not made:
        return None
    shares, simulated = _shares(tasks, ours=_name(version), theirs=_name(rival))
    won = _mean_over_prompts(tasks, shares)
    return HumanVerdict(
        rival=rival,
        role=describe_rival(rival, version=version, champion=champion, was_champion=asked.was_champion),
        value=won.value,
        low=won.low,
        high=won.high,
        tasks=len(shares),
        waiting=tasks.count() - len(shares),
        judgments=sum(len(each) for each in shares.values()),
        simulated=simulated,
        origins=tuple(origin for origin in asked.origins if origin in made),
    )


def _mean_over_prompts(tasks: QuerySet[Task], shares: Mapping[int, Sequence[float]]) -> Share:
    """Each task counts once within its prompt, and each prompt once: tasks of one prompt depend on each other, and
    asking about the same prompts again must not make the interval narrower than it is."""
    by_prompt: dict[int, list[float]] = defaultdict(list)
    for task_id, prompt_id in tasks.filter(pk__in=list(shares)).values_list("pk", "prompt_id"):
        by_prompt[prompt_id].append(sum(shares[task_id]) / len(shares[task_id]))
    means = [sum(each) / len(each) for each in by_prompt.values()]
    return wilson_share(sum(means), len(means))


def _shares(tasks: QuerySet[Task], *, ours: str, theirs: str) -> tuple[Mapping[int, list[float]], int]:
    """By task, what each judgment of it says of the two; and how many of these are by simulated annotators."""
    sources = keys_by_source(tasks)
    shares: dict[int, list[float]] = defaultdict(list)
    simulated = 0
    for judgment in Judgment.objects.filter(task__in=tasks, is_current=True).select_related("annotator"):
        by_key = sources[judgment.task_id]
        share = share_won(judgment.tiers, ours=by_key[ours], theirs=by_key[theirs])
        if share is not None:
            shares[judgment.task_id].append(share)
            simulated += judgment.annotator.is_simulated
    return shares, simulated


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
