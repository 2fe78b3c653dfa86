"""A further model that the policy is compared with. It reads and writes in tokens of its own."""

from dataclasses import replace

from transformers import PreTrainedModel

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.backbones import load_causal_model, load_generation_config, load_tokenizer
from rewardmodel.runtime.rendering import Renderer
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.architecture import require_plain_head
from rltrainer.evaluation import Examination
from rltrainer.records import EncodedPrompt, Group


def examine_champion(
    directory: RunDirectory, path: str, examination: Examination, like: PreTrainedModel
) -> list[Group]:
    """The champion's scored completions of the examination's prompts; it computes on the device and in the precision
    of `like`, and is forgotten afterwards.

    Raises: ConfigError, naming `evaluation.champion`, where it cannot be loaded; Cancelled.
    """
    try:
        network, renderer = _load(directory, path, like)
    except ConfigError as error:
        faults = [f"evaluation.champion: {fault.removeprefix('model: ')}" for fault in error.faults]
        raise ConfigError(faults) from error
    prompts = [
        EncodedPrompt(prompt.record, renderer.render(prompt.record.prompt).token_ids) for prompt in examination.prompts
    ]
    rules = replace(examination.rules, stop_ids=renderer.stop_ids)
    return replace(examination, prompts=prompts, renderer=renderer, rules=rules).examine(network, directory)


def _load(directory: RunDirectory, path: str, like: PreTrainedModel) -> tuple[PreTrainedModel, Renderer]:
    folder = directory.resolve(path)
    network = load_causal_model(folder, dtype=like.dtype)
    require_plain_head(network)
    # functools.wraps hides from the checker that transformers' `to` is a method.
    network.to(like.device)  # type: ignore[arg-type]
    return network.requires_grad_(False), Renderer(load_tokenizer(folder), load_generation_config(folder))
