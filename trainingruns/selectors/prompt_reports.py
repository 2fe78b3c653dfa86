"""Prompts that taught a run nothing: too hard or too easy for its policy."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from annotation.models import Prompt, Task
from trainingruns.artifacts import artifact_path
from trainingruns.models import Run
from trainingruns.run_directory import directory_name
from trainingruns.run_files import without_nul

MOST_PROMPTS = 50
VERDICTS = {"too_hard": "too hard", "too_easy": "too easy"}


@dataclass(frozen=True, slots=True)
class UselessPrompt:
    """A prompt whose completions all failed, or all passed."""

    text: str
    external_id: str
    task_id: int | None
    """A task with this prompt, None where it has none (any more)."""
    verdict: str
    groups: int
    completions: int
    reward_mean: float


def useless_prompts(*, run: Run) -> list[UselessPrompt]:
    """At most MOST_PROMPTS, the hardest first; empty where the run wrote no report or its directory is gone."""
    path = artifact_path(directory_name(run)) / "prompts_report.jsonl"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8") as lines:
        rows = _with_verdict(without_nul(json.loads(line)) for line in lines)
    ids = [int(row["prompt_id"]) for row in rows if str(row["prompt_id"]).isdecimal()]
    prompts = Prompt.objects.filter(project=run.project).in_bulk(ids)
    tasks = dict(Task.objects.filter(prompt__in=prompts).order_by("-id").values_list("prompt_id", "id"))
    return [_describe(row, prompts, tasks) for row in rows]


def _with_verdict(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        if row["verdict"] in VERDICTS:
            found.append(row)
        if len(found) == MOST_PROMPTS:
            break
    return found


def _describe(row: dict[str, Any], prompts: dict[int, Prompt], tasks: dict[int, int]) -> UselessPrompt:
    key = int(row["prompt_id"]) if str(row["prompt_id"]).isdecimal() else 0
    prompt = prompts.get(key)
    return UselessPrompt(
        text=prompt.messages[-1]["content"] if prompt else "",
        external_id=prompt.external_id if prompt else str(row["prompt_id"]),
        task_id=tasks.get(key),
        verdict=VERDICTS[row["verdict"]],
        groups=row["groups"],
        completions=row["completions"],
        reward_mean=row["reward_mean"],
    )
