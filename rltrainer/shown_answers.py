"""Answers of a policy in training, put where people can read them and compare them with the reference's."""

from dataclasses import replace

from transformers import PreTrainedModel

from rewardmodel.runtime.json_lines import keep_lines
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.config_sections import EvaluationConfig
from rltrainer.evaluation import Examination
from rltrainer.outcome import keep_samples
from rltrainer.weights import Weights


def is_time_to_ask(step: int, config: EvaluationConfig) -> bool:
    """Whether people are to see what the policy answers after this step."""
    every = config.people_every_steps
    return every > 0 and step > 0 and step % every == 0


def show_answers(
    directory: RunDirectory,
    examination: Examination,
    policy: PreTrainedModel,
    masters: Weights,
    *,
    config: EvaluationConfig,
    step: int,
) -> None:
    """One answer to each shown held-out prompt into `samples.jsonl`; done again, it replaces what is there.

    All ranks call it; the first writes. Raises: Cancelled where the starter asks for it, with nothing written.
    """
    prompts = examination.prompts[: config.shown_prompts]
    with masters.whole():
        groups = replace(examination, prompts=prompts, samples_per_prompt=1).examine(policy, directory)
    if examination.ranks.is_first:
        keep_lines(directory.samples, lambda row: (row["source"], row["step"]) != ("policy", step))
        keep_samples(directory, groups, step=step, source="policy")
