"""A run directory's job for verl: data, config, reward and the command, in a folder of their own."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rewardmodel.config_parsing import ConfigError
from rewardmodel.records import DataError, read_prompts
from rewardmodel.runtime.atomic_files import publish_folder
from rewardmodel.runtime.backbones import load_generation_config, load_tokenizer
from rewardmodel.runtime.json_lines import write_lines
from rewardmodel.runtime.rendering import Renderer
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.config import OnlineConfig
from rltrainer.prompts import encode_prompts, split_held_out
from rltrainer.records import EncodedPrompt
from rltrainer.verl.limits import list_faults
from rltrainer.verl.machines import Machines
from rltrainer.verl.scoring import open_reward
from rltrainer.verl.settings import describe_job
from rltrainer.verl.yaml_text import write_yaml

VERL_VERSION = "0.9.1"
DATA_SOURCE = "concord"
METRICS = "verl_metrics.jsonl"
REWARD = '''"""The reward of this job: Concord's own code, which must be importable wherever verl runs."""

from functools import cache
from pathlib import Path

from rltrainer.verl.scoring import JobReward, open_job_reward

RUN_DIRECTORY = Path({run_directory!r})


@cache
def reward() -> JobReward:
    return open_job_reward(RUN_DIRECTORY)


def compute_score(data_source, solution_str, ground_truth, extra_info=None, **unused):
    return reward().score(solution_str, extra_info)
'''
RUN = """#!/bin/sh
# Trains with verl {version}. Run it on the head of a Ray cluster, or on the one machine.
set -eu
cd {job}
export VERL_FILE_LOGGER_PATH={job}/{metrics}
export PYTHONPATH={code}${{PYTHONPATH:+:$PYTHONPATH}}
exec python -m verl.trainer.main_ppo --config-path {job} --config-name job "$@"
"""


def export_job(directory: RunDirectory, config: OnlineConfig, machines: Machines) -> Path:
    """Write `verl/` into the run directory, replacing an older one, and give its path.

    Raises: ConfigError with everything that verl cannot do; DataError where prompts do not suffice.
    """
    job = directory.root / "verl"
    faults = [*machines.faults(), *machines.misfits(config), *list_faults(config)]
    if (job / "checkpoints").exists():
        faults.append(f"{job}: holds checkpoints of a job that was started; remove the folder to write a new one")
    if faults:
        raise ConfigError(faults)
    folder = directory.resolve(config.model.path)
    renderer = Renderer(load_tokenizer(folder), load_generation_config(folder))
    prompts, _ = encode_prompts(
        read_prompts(directory.resolve(config.data.prompts)), renderer, max_tokens=config.data.max_prompt_tokens
    )
    training, held_out = split_held_out(prompts, held_out=config.evaluation.prompts, seed=config.seed)
    if len(training) < config.rollout.prompts_per_step:
        wanted = config.rollout.prompts_per_step
        raise DataError(f"prompts.jsonl: {len(training)} prompts to learn from; verl needs {wanted}, a whole step")
    open_reward(directory, config, prompts)
    with publish_folder(job) as scratch:
        _write(scratch, job, directory, config, machines, training, held_out)
    return job


def _write(
    scratch: Path,
    job: Path,
    directory: RunDirectory,
    config: OnlineConfig,
    machines: Machines,
    training: Sequence[EncodedPrompt],
    held_out: Sequence[EncodedPrompt],
) -> None:
    (scratch / "data").mkdir()
    for name, prompts in (("train", training), ("held_out", held_out)):
        write_lines(scratch / "data" / f"{name}.jsonl", [_row(prompt, n, name) for n, prompt in enumerate(prompts)])
    model = directory.resolve(config.model.path)
    critic = directory.resolve(config.critic.path or config.reward.model or config.model.path)
    sections = describe_job(
        config, machines, job=str(job), model=str(model), critic=str(critic), train_prompts=len(training)
    )
    head = {"hydra": {"searchpath": ["pkg://verl.trainer.config"]}, "defaults": ["ppo_trainer", "_self_"]}
    (scratch / "job.yaml").write_text(write_yaml({**head, **sections}), encoding="utf-8")
    (scratch / "reward.py").write_text(REWARD.format(run_directory=str(directory.root)), encoding="utf-8")
    run = RUN.format(
        version=VERL_VERSION,
        job=shlex.quote(str(job)),
        metrics=METRICS,
        code=shlex.quote(str(Path(__file__).resolve().parents[2])),
    )
    (scratch / "run.sh").write_text(run, encoding="utf-8")


def _row(prompt: EncodedPrompt, number: int, split: str) -> dict[str, Any]:
    """A prompt in verl's columns. Free-form values go as JSON text: a table wants one type a column."""
    record = prompt.record
    metadata = json.dumps(dict(record.metadata), ensure_ascii=False)
    messages = [dict(message) for message in record.prompt]
    return {
        "data_source": DATA_SOURCE,
        "prompt": messages,
        "ability": DATA_SOURCE,
        "reward_model": {"style": "rule", "ground_truth": metadata},
        "extra_info": {
            "index": number,
            "split": split,
            "prompt_id": record.prompt_id,
            "messages": json.dumps(messages, ensure_ascii=False),
            "metadata": metadata,
        },
    }
