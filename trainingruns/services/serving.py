"""Responses of our policies become work for people. Sources stay hidden: the tasks are blind."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Count

from annotation.models import Project, Prompt, Response, Task
from annotation.services.comparisons import add_comparison_tasks
from trainingruns.artifacts import artifact_path
from trainingruns.models import ModelVersion, Run
from trainingruns.run_directory import directory_name
from trainingruns.run_files import GrowingFile
from trainingruns.services import claims

PRIORITY = 1.0
"""New comparisons go before what was imported: they are what the loop waits for."""
Answers = dict[int, dict[int, dict[str, Any]]]
"""prompt id -> number of the sample -> line of responses.jsonl"""


def source_name(version: ModelVersion) -> str:
    """How responses name the policy that wrote them."""
    return f"{version.name}/{version.number}"


def count_tasks(*, run: Run) -> int:
    """Tasks made from a run's responses."""
    return Task.objects.filter(project_id=run.project_id, origin=run.origin).count()


def prompts_to_serve(*, project: Project, limit: int) -> list[int]:
    """Ids of the project's prompts that people saw least, at most `limit`."""
    prompts = Prompt.objects.filter(project=project).annotate(seen=Count("tasks")).order_by("seen", "id")
    return list(prompts.values_list("pk", flat=True)[:limit])


def serve_blind_tasks(*, run: Run, rival: ModelVersion) -> list[Task]:
    """Blind ranking tasks from a finished sample run: one a prompt, as many of the rival's responses as new ones.

    rival: one of those that the run names. Repeating it adds nothing.
    """
    theirs = _rival_answers(run, rival)
    prompts = []
    for prompt_id, answers in _answers(run).items():
        ours = [_response(run, line) for _, line in sorted(answers.items())]
        rivals = _different(theirs.get(prompt_id, []), ours)[: len(ours)]
        # Without a response of the rival's own, the new policy would be compared with itself.
        if rivals:
            prompts.append((prompt_id, [*ours, *rivals]))
    origin = run.origin_against(rival.pk)
    return add_comparison_tasks(project=run.project, prompts=prompts, origin=origin, priority=PRIORITY)


def _different(theirs: list[dict[str, Any]], ours: list[dict[str, Any]]) -> list[dict[str, Any]]:
    said = {response["text"].strip() for response in ours}
    return [response for response in theirs if response["text"].strip() not in said]


def prompts_without_rival(*, challenger: Run, rival: ModelVersion) -> list[int]:
    """Prompts that the challenger answered and the rival has not, at least not as often."""
    theirs = _rival_answers(challenger, rival)
    answers = _answers(challenger)
    return [prompt_id for prompt_id, given in answers.items() if len(theirs.get(prompt_id, [])) < len(given)]


class TaskMaker:
    """Makes ranking tasks while a sample run goes on: a prompt is ready when it has all its responses."""

    def __init__(self, run: Run, directory: Path) -> None:
        self.run = run
        self.is_needed = run.kind == Run.Kind.SAMPLE and run.purpose.get("then") == "make_ranking_tasks"
        self.file = GrowingFile(directory / "responses.jsonl")
        self.answers: Answers = defaultdict(dict)
        served = Task.objects.filter(project_id=run.project_id, origin=run.origin) if self.is_needed else None
        self.done: set[int] = set(served.values_list("prompt_id", flat=True)) if served is not None else set()

    def make_tasks_so_far(self) -> None:
        """Tasks for prompts that are ready by now. Raises: LeaseLost when the run is somebody else's."""
        if not self.is_needed:
            return
        _sort_in(self.answers, self.file.read_new().rows)
        wanted = self.run.config["sampling"]["responses_per_prompt"]
        ready = [key for key, answers in self.answers.items() if len(answers) >= wanted and key not in self.done]
        if not ready:
            return
        prompts = [(key, [_response(self.run, line) for _, line in sorted(self.answers[key].items())]) for key in ready]
        with transaction.atomic():
            claims.renew_lease(run=self.run)
            add_comparison_tasks(project=self.run.project, prompts=prompts, origin=self.run.origin, priority=0)
        self.done.update(ready)


def _answers(run: Run) -> Answers:
    answers: Answers = defaultdict(dict)
    _sort_in(answers, GrowingFile(artifact_path(directory_name(run)) / "responses.jsonl").read_new().rows)
    return answers


def _sort_in(answers: Answers, lines: Iterable[dict[str, Any]]) -> None:
    for line in lines:
        answers[int(line["prompt_id"])][line["sample"]] = line


def _rival_answers(challenger: Run, rival: ModelVersion) -> dict[int, list[dict[str, Any]]]:
    """The rival's responses to the challenger's prompts: those people know already, then those of its sample runs."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    prompt_ids = challenger.purpose["prompt_ids"]
    known = Response.objects.filter(prompt_id__in=prompt_ids, source=source_name(rival)).order_by("id")
    for response in known:
        found[response.prompt_id].append(
            {"text": response.text, "source": response.source, "sampling": response.sampling}
        )
    for run in _rival_runs(challenger, rival):
        for prompt_id, answers in _answers(run).items():
            found[prompt_id] += [_response(run, line) for _, line in sorted(answers.items())]
    return found


def _rival_runs(challenger: Run, rival: ModelVersion) -> list[Run]:
    runs = Run.objects.filter(
        project=challenger.project, kind=Run.Kind.SAMPLE, base_version=rival, purpose__challenger_run=challenger.pk
    )
    return list(runs.select_related("base_version").order_by("id"))


def _response(run: Run, line: dict[str, Any]) -> dict[str, Any]:
    assert run.base_version is not None
    sampling = {key: line[key] for key in ("sample", "tokens", "finish_reason", "seed") if key in line}
    return {"text": line["text"], "source": source_name(run.base_version), "sampling": {"run": run.pk, **sampling}}
