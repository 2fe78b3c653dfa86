"""What people say of a policy: its blind comparisons with what it started from and with other policies."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from annotation.models import Judgment, Task, TaskResponse
from annotation.quality.wilson import Share, wilson_share
from trainingruns.models import ModelVersion, Run
from trainingruns.selectors.challenges import challenges_with
from trainingruns.selectors.rivals import describe_rival, rival_champion

MOST_RIVALS = 20
"""A champion of long standing has been challenged by every policy that came after it."""


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


@dataclass(frozen=True, slots=True)
class HumanVerdicts:
    """What people said of a policy."""

    told: list[HumanVerdict]
    """The reference before all others, then those asked about last; `MOST_RIVALS` at most beside the reference."""
    untold: int = 0
    """Rivals asked about before these. Their own pages tell the same comparisons."""


@dataclass(slots=True)
class _Asked:
    """The times that people were asked about one rival."""

    origins: list[str]
    was_champion: bool


@dataclass(frozen=True, slots=True)
class _Answers:
    """What people were asked and what they said, read at once for all rivals."""

    prompts: Mapping[str, Mapping[int, int]]
    """By origin, the prompt of each task: origin -> task id -> prompt id."""
    sources: Mapping[int, Mapping[str, list[str]]]
    """As `keys_by_source` gives them."""
    judgments: Mapping[int, Sequence[Judgment]]
    """By task, the current ones with their annotators."""


def human_verdicts(*, version: ModelVersion) -> HumanVerdicts:
    """One for each policy that a project's policy was compared with, whichever of the two challenged the other, over
    all times. None for a base model."""
    everybody = _by_rival(version, challenges_with(version).only("base_version_id", "purpose"))
    if not everybody:
        return HumanVerdicts([])
    first = sorted(everybody, key=lambda key: key != version.parent_id)
    asked = {key: everybody[key] for key in first[: MOST_RIVALS + (version.parent_id in everybody)]}
    answers = _read_answers(version, [origin for times in asked.values() for origin in times.origins])
    rivals, champion = ModelVersion.objects.in_bulk(asked), rival_champion(version)
    found = [_verdict(version, rivals[key], times, answers, champion) for key, times in asked.items() if key in rivals]
    return HumanVerdicts([verdict for verdict in found if verdict is not None], untold=len(everybody) - len(asked))


def _by_rival(version: ModelVersion, runs: Iterable[Run]) -> dict[int, _Asked]:
    found: dict[int, _Asked] = {}
    for run in runs:
        for rival_id, origin in _compared(version, run):
            asked = found.setdefault(rival_id, _Asked([], was_champion=False))
            asked.origins.append(origin)
            asked.was_champion |= run.purpose.get("champion_then") == rival_id
    return found


def _compared(version: ModelVersion, run: Run) -> list[tuple[int, str]]:
    """Whom people compare with the policy in a challenge that it takes part in, and the origin of those tasks."""
    if run.base_version_id == version.pk:
        return [(rival_id, run.origin_against(rival_id)) for rival_id in run.rival_version_ids]
    assert run.base_version_id is not None  # A sample run has something to sample from.
    return [(run.base_version_id, run.origin_against(version.pk))]


def _read_answers(version: ModelVersion, origins: Sequence[str]) -> _Answers:
    tasks = Task.objects.filter(project=version.project_id, origin__in=origins, purpose="normal")
    prompts: dict[str, dict[int, int]] = defaultdict(dict)
    for task_id, origin, prompt_id in tasks.values_list("pk", "origin", "prompt_id"):
        prompts[origin][task_id] = prompt_id
    judgments: dict[int, list[Judgment]] = defaultdict(list)
    for judgment in Judgment.objects.filter(task__in=tasks, is_current=True).select_related("annotator"):
        judgments[judgment.task_id].append(judgment)
    return _Answers(prompts, keys_by_source(tasks), judgments)


def _verdict(
    version: ModelVersion, rival: ModelVersion, asked: _Asked, answers: _Answers, champion: ModelVersion | None
) -> HumanVerdict | None:
    made = [origin for origin in asked.origins if origin in answers.prompts]
    if not made:
        return None
    prompts = {task_id: prompt for origin in made for task_id, prompt in answers.prompts[origin].items()}
    shares, simulated = _shares(prompts, answers, ours=_name(version), theirs=_name(rival))
    won = _mean_over_prompts(prompts, shares)
    return HumanVerdict(
        rival=rival,
        role=describe_rival(rival, version=version, champion=champion, was_champion=asked.was_champion),
        value=won.value,
        low=won.low,
        high=won.high,
        tasks=len(shares),
        waiting=len(prompts) - len(shares),
        judgments=sum(len(each) for each in shares.values()),
        simulated=simulated,
        origins=tuple(made),
    )


def _mean_over_prompts(prompts: Mapping[int, int], shares: Mapping[int, Sequence[float]]) -> Share:
    """Each task counts once within its prompt, and each prompt once: tasks of one prompt depend on each other, and
    asking about the same prompts again must not make the interval narrower than it is."""
    by_prompt: dict[int, list[float]] = defaultdict(list)
    for task_id, each in shares.items():
        by_prompt[prompts[task_id]].append(sum(each) / len(each))
    means = [sum(each) / len(each) for each in by_prompt.values()]
    return wilson_share(sum(means), len(means))


def _shares(
    task_ids: Iterable[int], answers: _Answers, *, ours: str, theirs: str
) -> tuple[Mapping[int, list[float]], int]:
    """By task, what each judgment of it says of the two; and how many of these are by simulated annotators."""
    shares: dict[int, list[float]] = defaultdict(list)
    simulated = 0
    for task_id in task_ids:
        by_key = answers.sources[task_id]
        for judgment in answers.judgments.get(task_id, ()):
            share = share_won(judgment.tiers, ours=by_key[ours], theirs=by_key[theirs])
            if share is not None:
                shares[task_id].append(share)
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
