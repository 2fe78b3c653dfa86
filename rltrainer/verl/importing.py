"""What a verl job has made, back in the run directory: the policy, the metrics and a result."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rewardmodel.config_parsing import ConfigError
from rewardmodel.records import DataError
from rewardmodel.runtime.atomic_files import publish_folder
from rewardmodel.runtime.backbones import load_causal_model, load_tokenizer
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.config import OnlineConfig
from rltrainer.outcome import hash_weights
from rltrainer.verl.export import METRICS

NAMES = {
    "critic/score/mean": "reward",
    "critic/score/min": "reward_min",
    "critic/score/max": "reward_max",
    "critic/advantages/mean": "advantage_mean",
    "critic/advantages/min": "advantage_min",
    "critic/advantages/max": "advantage_max",
    "critic/vf_explained_var": "explained_variance",
    "critic/vf_loss": "value_loss",
    "critic/grad_norm": "critic_grad_norm",
    "critic/lr": "critic_learning_rate",
    "actor/entropy": "entropy",
    "actor/pg_loss": "loss_policy",
    "actor/grad_norm": "grad_norm",
    "actor/lr": "learning_rate",
    "response_length/mean": "length_mean",
    "response_length/min": "length_min",
    "response_length/max": "length_max",
    "response_length/clip_ratio": "truncated_fraction",
    "timing_s/step": "seconds_step",
    "timing_s/gen": "seconds_generate",
}
"""verl's metrics that mean what one of ours means; the others stay in verl's own file."""
STAND_INS = {
    "critic/rewards/mean": "critic/score/mean",
    "critic/rewards/min": "critic/score/min",
    "critic/rewards/max": "critic/score/max",
}
"""Taken in a line that lacks the other: the score, less the price of the KL where that is part of the reward."""
EXAMPLES_TOLD = 5
"""So many of the metrics without a name here are named."""
STEP_FOLDER = re.compile(r"global_step_(\d+)")
CONSOLE_LINE = re.compile(r"step:(\d+) - (.*)")
Row = tuple[int, dict[str, Any]]
"""A step, and verl's metrics of it under verl's names."""


def import_job(
    directory: RunDirectory, config: OnlineConfig, *, log: Path | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Bring the newest checkpoint of `verl/` home; gives what `result.json` says, and sentences on what it lacks.

    log: the console output, where verl wrote no file of metrics.
    Raises: ConfigError or DataError with what is missing and how to make it.
    """
    job = directory.root / "verl"
    step, folder = find_model(job / "checkpoints")
    found = list(read_console(log) if log is not None else read_file(job / METRICS))
    if not found:
        raise DataError(f"{log or job / METRICS}: holds no metrics of verl")
    _bring_model(folder, directory)
    directory.forget_after(-1)
    # What came after the checkpoint is not in the policy.
    kept = [(row_step, values) for row_step, values in found if row_step <= step]
    rows = [(row_step, translate(values)) for row_step, values in kept]
    for row_step, values in rows:
        directory.append_metrics(row_step, values)
    result = _describe(directory, config, rows, step)
    directory.write_result(result)
    directory.status.update(state="succeeded", step=step, total_steps=config.stop.steps, message="brought from verl")
    return result, describe_gaps(kept)


def find_model(checkpoints: Path) -> tuple[int, Path]:
    """Step and folder of the newest policy that transformers can load. Raises: DataError."""
    found = {
        int(match[1]): path for path in checkpoints.glob("global_step_*") if (match := STEP_FOLDER.fullmatch(path.name))
    }
    if not found:
        raise DataError(f"{checkpoints}: holds no global_step_N; has the job saved a checkpoint?")
    step = max(found)
    folder = found[step] / "actor" / "huggingface"
    if not any(folder.glob("*.safetensors")):
        raise DataError(
            f"{folder}: holds no weights, only verl's shards; make them with python -m verl.model_merger merge "
            f"--backend fsdp --local_dir {folder.parent} --target_dir {folder}"
        )
    return step, folder


def read_file(path: Path) -> Iterator[Row]:
    """What verl's logger `file` wrote. Raises: DataError naming the line."""
    if not path.exists():
        raise DataError(f"{path}: is not there; name the console output with --log")
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            yield int(row["step"]), dict(row["data"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"{path} line {number}: is no metrics of verl") from error


def read_console(path: Path) -> Iterator[Row]:
    """What verl's logger `console` printed."""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        match = CONSOLE_LINE.search(line)
        if match is not None:
            pairs = (part.rpartition(":") for part in match[2].split(" - "))
            yield int(match[1]), {name: _number(value) for name, _, value in pairs if name}


def translate(values: Mapping[str, Any]) -> dict[str, float | None]:
    """The metrics that have a name here, and of those that are not there their stand-ins."""
    named = {name: values[other] for other, name in STAND_INS.items() if other in values} | dict(values)
    return {ours: _finite(named[theirs]) for theirs, ours in NAMES.items() if theirs in named}


def describe_gaps(rows: Sequence[Row]) -> list[str]:
    """Sentences on what of verl's metrics was taken for another one, is not there, or has no name here."""
    sentences = []
    there = set().union(*(values for _, values in rows))
    if used := [other for other, name in STAND_INS.items() if any(other in row and name not in row for _, row in rows)]:
        sentences.append(
            f"{', '.join(used)}: taken as the reward where verl's score is not logged; "
            "the price of the KL is taken off, if it is part of the reward"
        )
    if not any("reward" in translate(values) for _, values in rows):
        sentences.append(
            "no line up to the checkpoint has critic/score/mean or critic/rewards/mean: the result's rewards are null"
        )
    if nameless := sorted(there - NAMES.keys() - set(used)):
        more = ", ..." if len(nameless) > EXAMPLES_TOLD else ""
        sentences.append(
            f"{len(nameless)} of verl's metrics have no name here and are not translated: "
            f"{', '.join(nameless[:EXAMPLES_TOLD])}{more}"
        )
    return sentences


def _number(text: str) -> float | None:
    # numpy's numbers are printed with their type: np.float64(0.5).
    match = re.search(r"-?\d+(\.\d*)?([eE][-+]?\d+)?(?=\)?$)", text.strip())
    return float(match[0]) if match else None


def _finite(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _bring_model(folder: Path, directory: RunDirectory) -> None:
    try:
        network, tokenizer = load_causal_model(folder), load_tokenizer(folder)
    except ConfigError as error:
        raise DataError(f"{folder}: {error}") from error
    with publish_folder(directory.model) as target:
        network.save_pretrained(target)
        tokenizer.save_pretrained(target)


def _describe(
    directory: RunDirectory, config: OnlineConfig, rows: list[tuple[int, dict[str, float | None]]], step: int
) -> dict[str, Any]:
    rewards = [values["reward"] for _, values in rows if "reward" in values]
    return {
        "kind": config.kind,
        "engine": "verl",
        "steps": step,
        "stopped_by": "" if step >= config.stop.steps else f"verl's newest checkpoint is of step {step}",
        "reward_first": rewards[0] if rewards else None,
        "reward_last": rewards[-1] if rewards else None,
        "policy_version_sha256": hash_weights(directory.model),
    }
