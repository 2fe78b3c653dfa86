"""Before the first step and after the last: the comparison with the reference, the model and the result."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
from transformers import PreTrainedModel

from rewardmodel.runtime.atomic_files import publish_folder
from rewardmodel.runtime.backbones import load_causal_model
from rewardmodel.runtime.json_lines import keep_lines, read_lines, write_lines
from rewardmodel.runtime.master_weights import MasterWeights
from rewardmodel.runtime.rendering import Renderer
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.adapters import add_adapters, merge_adapters
from rltrainer.champion import examine_champion
from rltrainer.config import OnlineConfig
from rltrainer.config_sections import EvaluationConfig, ModelConfig
from rltrainer.evaluation import Examination, compare, measure_kl
from rltrainer.marks import read_marks, take_marks
from rltrainer.progress import Progress
from rltrainer.ranks import SINGLE, Ranks
from rltrainer.records import Group
from rltrainer.reference import Reference
from rltrainer.rollouts.prompt_history import PromptHistory
from rltrainer.value_head import without_value_head
from rltrainer.weights import Weights


def answer_with_rivals(
    directory: RunDirectory,
    examination: Examination,
    reference: Reference,
    progress: Progress,
    config: EvaluationConfig,
) -> None:
    """Answer the held-out prompts with the models that the policy will be compared with, before the first step.

    Some answers of the reference are kept to be read. Raises: ConfigError where the champion cannot be loaded.
    """
    asked = len(examination.prompts)
    directory.status.update(phase="evaluate", message=f"answering {asked} held-out prompts with the reference")
    with reference.in_place():
        groups = examination.examine(reference.model, directory)
    found = {"reference": groups}
    if config.champion is not None:
        directory.status.update(message=f"answering {asked} held-out prompts with the champion")
        found["champion"] = examine_champion(directory, config.champion, examination, reference.model)
    progress.rival_marks = {
        name: [marks.to_dict() for marks in take_marks(answered)] for name, answered in found.items()
    }
    keep_samples(directory, groups[: config.shown_prompts], step=0, source="reference")


def finish(
    directory: RunDirectory,
    config: OnlineConfig,
    examination: Examination,
    *,
    policy: PreTrainedModel,
    reference: Reference,
    masters: Weights,
    progress: Progress,
    history: PromptHistory,
    prompts_left_out: int,
) -> None:
    """Compare with reference and champion, save the policy, write the report on prompts and the result.

    prompts_left_out: prompts of the file that were longer than `data.max_prompt_tokens`.
    """
    directory.status.update(phase="evaluate", message="answering the held-out prompts with the new policy")
    check, ranks = directory.cancellation.check, examination.ranks
    with masters.whole():
        groups = examination.examine(policy, directory)
        distance = measure_kl(
            policy, reference, groups, config.rollout.temperature, examination.confidence, check=check, ranks=ranks
        )
    directory.status.update(phase="save", message="saving the policy")
    save_policy(directory, config.model, masters, examination.renderer, ranks=ranks)
    if not ranks.is_first:
        return
    shown = groups[: config.evaluation.shown_prompts]
    # A kill between here and the result must not double them on the next start.
    keep_lines(directory.samples, lambda row: (row["source"], row["step"]) != ("policy", progress.step))
    keep_samples(directory, shown, step=progress.step, source="policy")
    write_lines(directory.root / "prompts_report.jsonl", history.report())
    rivals = {name: [read_marks(row) for row in rows] for name, rows in progress.rival_marks.items()}
    directory.write_result(
        {
            "kind": config.kind,
            "steps": progress.step,
            "stopped_by": progress.stopped_by,
            "warnings": progress.warnings,
            "held_out_prompts": len(groups),
            "prompts_left_out": prompts_left_out,
            "prompts": history.summary(),
            "reward_first": progress.reward_first,
            "reward_last": progress.reward_last,
            **compare(examination, rivals, groups, draws=config.evaluation.pass_at),
            **distance.describe(),
            "samples": sum(1 for _ in read_lines(directory.samples)),
            "policy_version_sha256": hash_weights(directory.model),
        }
    )
    if not config.checkpoint.keep_when_done:
        directory.drop_checkpoints()


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
                    "reward": reward if group.reward_parts else None,
                    "source": source,
                }
            )


def save_policy(
    directory: RunDirectory,
    model: ModelConfig,
    masters: Weights,
    renderer: Renderer,
    *,
    ranks: Ranks = SINGLE,
) -> None:
    """The trained policy as a normal folder, in float32: nothing of what was learned is rounded away.

    Adapters are added into the weights beside them; a value head stays behind. All ranks call it; the first writes.
    """
    weights = masters.pack()
    if not ranks.is_first:
        return
    network = load_causal_model(directory.resolve(model.path), dtype=torch.float32)
    if model.adapter_rank:
        add_adapters(network, rank=model.adapter_rank, alpha=model.adapter_alpha)
    MasterWeights(network).unpack(without_value_head(weights))
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
