"""Writes what a trainer reads. Safe to repeat: a run that resumes finds its directory as it was."""

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from annotation.exceptions import ApplicationError
from annotation.models import Prompt
from trainingruns.artifacts import artifact_path
from trainingruns.configuration import complete_config
from trainingruns.models import ONLINE_KINDS, Run
from trainingruns.selectors.judged_groups import read_judged_groups

PAIRS = ("train.jsonl", "eval.jsonl")
EXAMPLES = ("sft_train.jsonl", "sft_eval.jsonl")
DATA_FILES: dict[str, tuple[str, ...]] = {
    Run.Kind.REWARD: PAIRS,
    Run.Kind.DPO: PAIRS,
    Run.Kind.SFT: EXAMPLES,
    **dict.fromkeys((*ONLINE_KINDS, Run.Kind.SAMPLE), ("prompts.jsonl",)),
}
"""Which of a snapshot's files a run works on."""
GROUPS = "groups.jsonl"
"""What people said of a sample run's responses, for a policy run that learns from it."""


def directory_name(run: Run) -> str:
    """The run's directory below the artifacts root."""
    return f"runs/{run.pk}"


def prepare_run_directory(run: Run) -> Path:
    """The run's directory with its configuration and data in place, and no order to stop in it.

    Raises: ApplicationError when the snapshot's files are gone.
    """
    directory = artifact_path(directory_name(run))
    (directory / "data").mkdir(parents=True, exist_ok=True)
    if run.kind != Run.Kind.FETCH:
        write_atomically(directory / "config.json", _json(complete_config(run)))
        # A preview reads what the run that it previews would read.
        for name in DATA_FILES.get(run.config.get("kind", run.kind), ()):
            _put_data(run, name, directory / "data" / name)
        if "groups_of" in run.purpose:
            _put_groups(run, directory / "data" / GROUPS)
    # Left by an earlier attempt: its last words, and the order that ended it.
    for name in ("status.json", "cancel"):
        (directory / name).unlink(missing_ok=True)
    return directory


def write_atomically(path: Path, content: bytes) -> None:
    """The whole file or nothing of it, also when the machine goes down."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def append_line(path: Path, row: Mapping[str, Any]) -> None:
    """One object more at the end of a file, on the disk before this returns; a reader sees all of the line or none."""
    with path.open("ab") as file:
        file.write(json_lines([row]))
        file.flush()
        os.fsync(file.fileno())


def json_lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Objects one a line, with keys in a fixed order, so that equal rows give equal bytes."""
    return b"".join(json.dumps(row, ensure_ascii=False, sort_keys=True).encode() + b"\n" for row in rows)


def _put_data(run: Run, name: str, target: Path) -> None:
    if target.exists():
        return
    if name == "prompts.jsonl" and "prompt_ids" in run.purpose:
        write_atomically(target, json_lines(_prompt_records(run.purpose["prompt_ids"])))
        return
    _copy_from_snapshot(run, name, target)


def _put_groups(run: Run, target: Path) -> None:
    """Frozen when the run first starts: what people say later does not change what it resumes with.

    The run keeps which judgments it learns from, so that a model's descent leads to people.
    """
    if target.exists():
        return
    source = Run.objects.select_related("project").get(pk=run.purpose["groups_of"])
    found = read_judged_groups(run=source, directory=artifact_path(directory_name(source)))
    run.purpose = {**run.purpose, "groups_judgments": found.judgment_ids}
    Run.objects.filter(pk=run.pk).update(purpose=run.purpose)
    write_atomically(target, json_lines(found.groups))


def _copy_from_snapshot(run: Run, name: str, target: Path) -> None:
    if run.snapshot is None:
        raise ApplicationError(f"Run {run.pk} needs {name} of a snapshot, and has no snapshot.", code="no_snapshot")
    source = artifact_path(run.snapshot.path) / name
    if not source.is_file():
        raise ApplicationError(f"The snapshot's file {source.name} is gone from {run.snapshot.path}.", code="lost_file")
    unfinished = target.with_name(f".{target.name}.unfinished")
    shutil.copyfile(source, unfinished)
    unfinished.replace(target)


def _prompt_records(prompt_ids: list[int]) -> list[dict[str, Any]]:
    prompts = Prompt.objects.in_bulk(prompt_ids)
    known = [prompts[key] for key in prompt_ids if key in prompts]
    return [{"prompt_id": str(each.pk), "prompt": each.messages, "metadata": each.metadata} for each in known]


def _json(mapping: Mapping[str, Any]) -> bytes:
    return json.dumps(mapping, ensure_ascii=False, indent=1, sort_keys=True).encode()
