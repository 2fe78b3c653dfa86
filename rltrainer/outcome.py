"""Before the first step and after the last: the comparison with the reference, the model and the result."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
from transformers import PreTrainedModel

from rewardmodel.runtime.atomic_files import publish_folder
from rewardmodel.runtime.backbones import load_causal_model
from rewardmodel.runtime.json_lines import keep_lines
from rewardmodel.runtime.master_weights import MasterWeights
from rewardmodel.runtime.rendering import Renderer
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.adapters import add_adapters, merge_adapters
from rltrainer.config import OnlineConfig
from rltrainer.config_sections import EvaluationConfig, ModelConfig
from rltrainer.evaluation import Examination, compare, measure_kl
from rltrainer.progress import Progress
from rltrainer.records import Group
from rltrainer.reference import Reference


def evaluate_reference(
    directory: RunDirectory,
    examination: Examination,
    reference: Reference,
    progress: Progress,
    config: EvaluationConfig,
) -> None:
    """Answer the held-out prompts with the reference, before the first step; some answers are kept to be read."""
    asked = len(examination.prompts)
    directory.status.update(phase="evaluate", message=f"answering {asked} held-out prompts with the reference")
    with reference.in_place():
        groups = examination.examine(reference.model, directory)
    progress.reference_rewards = [list(group.rewards) for group in groups]
    keep_samples(directory, groups[: config.shown_prompts], step=0, source="reference")


def finish(
    directory: RunDirectory,
    config: OnlineConfig,
    examination: Examination,
    *,
    policy: PreTrainedModel,
    reference: Reference,
    masters: MasterWeights,
    progress: Progress,
    stopped_by: str,
) -> None:
    """Compare with the reference, save the policy, write the result."""
    directory.status.update(phase="evaluate", message="answering the held-out prompts with the new policy")
    groups = examination.examine(policy, directory)
    check = directory.cancellation.check
    distance = measure_kl(policy, reference, groups, config.rollout.temperature, check=check)
    directory.status.update(phase="save", message="saving the policy")
    save_policy(directory, config.model, masters, examination.renderer)
    shown = groups[: config.evaluation.shown_prompts]
    # A kill between here and the result must not double them on the next start.
    keep_lines(directory.samples, lambda row: row["source"] != "policy")
    keep_samples(directory, shown, step=progress.step, source="policy")
    directory.write_result(
        {
            "kind": config.kind,
            "steps": progress.step,
            "stopped_by": stopped_by,
            "held_out_prompts": len(groups),
            "reward_first": progress.reward_first,
            "reward_last": progress.reward_last,
            **compare(examination, progress.reference_rewards, groups),
            "kl_sequence": distance.kl_sequence,
            "kl_token": distance.kl_token,
            "samples": 2 * len(shown) * config.evaluation.samples_per_prompt,
            "policy_version_sha256": hash_weights(directory.model),
        }
    )


def keep_samples(
    directory: RunDirectory, groups: Sequence[Group], *, step: int, source: Literal["reference", "policy"]
) -> None:
    """Completions for people to read."""
    for group in groups:
        for text, reward in zip(group.texts, group.rewards, strict=True):
            directory.append_sample(
                {
                    "step": step,
                    "prompt_id": group.prompt.record.prompt_id,
                    "prompt": list(group.prompt.record.prompt),
                    "response": text,
                    "reward": reward,
                    "source": source,
                }
            )


def save_policy(directory: RunDirectory, model: ModelConfig, masters: MasterWeights, renderer: Renderer) -> None:
    """The trained policy as a normal folder, in float32: nothing of what was learned is rounded away.

    Adapters are added into the weights beside them.
    """
    network = load_causal_model(directory.resolve(model.path), dtype=torch.float32)
    if model.adapter_rank:
        add_adapters(network, rank=model.adapter_rank, alpha=model.adapter_alpha)
    MasterWeights(network).unpack(masters.pack())
    if model.adapter_rank:
        merge_adapters(network)
    with publish_folder(directory.model) as folder:
        network.save_pretrained(folder)
        renderer.tokenizer.save_pretrained(folder)


def hash_weights(folder: Path) -> str:
    """The sha256 over all weight files of a model folder, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
