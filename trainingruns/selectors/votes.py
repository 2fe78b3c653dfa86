"""What people said, prompt by prompt, as a snapshot needs it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import QuerySet

from annotation.models import Judgment, Project, Prompt, Response, Task, Verdict
from trainingruns.examples import Candidate
from trainingruns.pairs import PromptVotes, Ruling

PROMPTS_AT_ONCE = 500
Row = tuple[int, list[list[str]], list[str], int, str, int]
"""judgment id, tiers, responses below the line, guideline version, annotator's origin, prompt id"""


@dataclass(slots=True)
class Provenance:
    """Where the votes come from; filled while they are read."""

    judgment_ids: list[int] = field(default_factory=list)
    guideline_versions: Counter[int] = field(default_factory=Counter)
    simulated: int = 0


def current_rankings(*, project: Project, filters: Mapping[str, Any]) -> QuerySet[Judgment]:
    """The judgments that a snapshot is made from: current rankings, by default without those of gold tasks."""
    purposes = ["normal"] if filters["exclude_gold"] else ["normal", "gold"]
    judgments = Judgment.objects.filter(project=project, is_current=True, kind="ranking", task__purpose__in=purposes)
    if filters["exclude_simulated"]:
        judgments = judgments.exclude(annotator__origin="simulated")
    if filters["since"]:
        judgments = judgments.filter(created_at__gte=filters["since"])
    return judgments


def read_votes(*, project: Project, filters: Mapping[str, Any], provenance: Provenance) -> Iterator[PromptVotes]:
    """Each judged prompt with all its votes, in the order of prompts.

    One statement through a server-side cursor: what people submit meanwhile isn't in it, and memory holds a few
    hundred prompts at a time.
    """
    rows = (
        current_rankings(project=project, filters=filters)
        .order_by("task__prompt_id", "id")
        .values_list("id", "tiers", "bad", "guideline_version", "annotator__origin", "task__prompt_id")
        .iterator(chunk_size=2000)
    )
    by_prompt = ((prompt_id, list(group)) for prompt_id, group in groupby(rows, key=itemgetter(5)))
    while batch := dict(islice(by_prompt, PROMPTS_AT_ONCE)):
        yield from _with_texts(batch, provenance)


def read_rulings(*, project: Project, filters: Mapping[str, Any]) -> dict[str, list[Ruling]]:
    """The current verdicts on rankings by prompt, in the order of prompts."""
    purposes = ["normal"] if filters["exclude_gold"] else ["normal", "gold"]
    verdicts = Verdict.objects.filter(
        project=project, is_current=True, task__kind="ranking", task__purpose__in=purposes
    ).annotate(keys=ArrayAgg("task__task_responses__response__key"))
    found: dict[str, list[Ruling]] = {}
    for verdict in verdicts.select_related("task").order_by("task__prompt_id", "id"):
        said = verdict.answer or {}
        tiers, bad = said.get("tiers", ()), said.get("bad", ())
        ruling = Ruling(verdict.pk, verdict.keys, tiers, bad, verdict.based_on)
        found.setdefault(str(verdict.task.prompt_id), []).append(ruling)
    return found


def apply_rulings(votes: Iterable[PromptVotes], rulings: Mapping[str, list[Ruling]]) -> Iterator[PromptVotes]:
    """The prompts as reviewers decided them, and after them those on which nobody but a reviewer spoke."""
    seen = set()
    for prompt in votes:
        seen.add(prompt.prompt_id)
        yield prompt.ruled(rulings.get(prompt.prompt_id, ()))
    alone: dict[int, list[Row]] = {int(prompt_id): [] for prompt_id in rulings if prompt_id not in seen}
    for prompt in _with_texts(alone, Provenance()):
        yield prompt.ruled(rulings[prompt.prompt_id])


def _with_texts(batch: dict[int, list[Row]], provenance: Provenance) -> Iterator[PromptVotes]:
    texts: dict[int, dict[str, str]] = {prompt_id: {} for prompt_id in batch}
    for prompt_id, key, text in Response.objects.filter(prompt_id__in=batch).values_list("prompt_id", "key", "text"):
        texts[prompt_id][key] = text
    prompts = Prompt.objects.in_bulk(list(batch))
    for prompt_id, rows in batch.items():
        votes = PromptVotes(str(prompt_id), prompts[prompt_id].messages, texts[prompt_id])
        for judgment_id, tiers, bad, guideline_version, origin, _ in rows:
            votes.add_answer(judgment_id, tiers, bad)
            provenance.guideline_versions[guideline_version] += 1
            provenance.simulated += origin == "simulated"
        yield votes


def read_candidates(*, project: Project, filters: Mapping[str, Any]) -> Iterator[Candidate]:
    """Responses that count as examples whatever people voted, in the order of prompts: the best of known answers,
    unless gold is left out, and all whose source is named as a person's."""
    if not filters["exclude_gold"]:
        yield from _known_answers(project)
    rows = Response.objects.filter(prompt__project=project, source__in=filters["demonstration_sources"])
    for response in rows.select_related("prompt").order_by("prompt_id", "id").iterator(chunk_size=2000):
        yield _candidate(response, "demonstration")


def _known_answers(project: Project) -> Iterator[Candidate]:
    tasks = Task.objects.filter(project=project, kind="ranking", gold__isnull=False).order_by("prompt_id", "id")
    best: dict[int, set[str]] = {}
    for task in tasks:
        known: dict[str, Any] = task.gold or {}
        above_the_line = set(known["tiers"][0]) - set(known.get("bad") or ())
        best.setdefault(task.prompt_id, set()).update(above_the_line)
    rows = Response.objects.filter(prompt_id__in=best).select_related("prompt").order_by("prompt_id", "id")
    for response in rows.iterator(chunk_size=2000):
        if response.key in best[response.prompt_id]:
            yield _candidate(response, "adjudicated")


def _candidate(response: Response, origin: str) -> Candidate:
    return Candidate(str(response.prompt_id), response.prompt.messages, response.key, response.text, origin)


def prompt_records(*, project: Project) -> Iterator[dict[str, Any]]:
    """All prompts of the project, judged or not, as trainers read them."""
    for prompt in Prompt.objects.filter(project=project).order_by("id").iterator(chunk_size=2000):
        yield {"prompt_id": str(prompt.pk), "prompt": prompt.messages, "metadata": prompt.metadata}
