"""Policies with rivals, and sample runs that are answered without a sampler."""

import json
from pathlib import Path

from annotation.models import Judgment, Task, User
from trainingruns.models import ModelVersion, Run
from trainingruns.run_directory import directory_name
from trainingruns.services.followups import after_policy, after_sample

QUESTIONS = 3


def follow(version: ModelVersion) -> Run:
    """What the end of the policy's run starts."""
    assert version.run is not None
    after_policy(run=version.run, version=version)
    return Run.objects.filter(kind="sample", base_version=version).latest("id")


def answer(run: Run, artifacts: Path) -> str:
    """The run's responses, as a sampler leaves them, and what follows from them."""
    folder = artifacts / directory_name(run)
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"prompt_id": str(key), "sample": sample, "text": f"{run.base_version} {sample} seed {run.config['seed']}"}
        for key in run.purpose["prompt_ids"]
        for sample in range(run.config["sampling"]["responses_per_prompt"])
    ]
    (folder / "responses.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return after_sample(run=run)


def answer_all(artifacts: Path) -> None:
    """All sample runs that wait, and those that follow from them."""
    while (run := Run.objects.filter(kind="sample", state="queued").order_by("id").first()) is not None:
        answer(run, artifacts)
        Run.objects.filter(pk=run.pk).update(state="succeeded")


def sources(task: Task) -> set[str]:
    return {place.response.source for place in task.task_responses.select_related("response")}


def rank(task: Task, person: User, *, wins: str) -> None:
    keys: dict[bool, list[str]] = {True: [], False: []}
    for place in task.task_responses.select_related("response"):
        keys[place.response.source == wins].append(place.response.key)
    Judgment.objects.create(
        project=task.project, task=task, annotator=person, kind="ranking", tiers=[keys[True], keys[False]]
    )
