"""Everything that a run loads once: tokens, networks, prompts."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from rewardmodel.records import read_prompts
from rewardmodel.runtime.backbones import load_causal_model, load_generation_config, load_tokenizer
from rewardmodel.runtime.device import ComputeDevice, select_device
from rewardmodel.runtime.dither import fill_lower_halves
from rewardmodel.runtime.master_weights import MasterWeights
from rewardmodel.runtime.rendering import Renderer
from rewardmodel.runtime.run_directory import RunDirectory
from rewardmodel.runtime.seeding import seed_everything
from rewardmodel.runtime.split_weights import SplitWeights
from rltrainer.adapters import add_adapters
from rltrainer.architecture import require_full_attention, require_plain_head
from rltrainer.config import OnlineConfig
from rltrainer.config_sections import DataConfig, ModelConfig
from rltrainer.filed_weights import view_weights
from rltrainer.llama.body import find_body
from rltrainer.prompts import encode_prompts
from rltrainer.ranks import SINGLE, Ranks
from rltrainer.records import EncodedPrompt
from rltrainer.sharding import ShardedWeights
from rltrainer.value_head import NAME as VALUE_HEAD
from rltrainer.value_head import attach_value_head
from rltrainer.weights import Weights

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Workbench:
    """What every kind of policy run needs."""

    compute: ComputeDevice
    """Where, and in which precision."""
    model: PreTrainedModel
    """The policy's network in the compute precision."""
    renderer: Renderer
    """Messages to tokens and back."""
    prompts: list[EncodedPrompt]
    """All usable prompts."""
    prompts_left_out: int
    """Prompts that were too long."""

    @property
    def longest_prompt(self) -> int:
        """Tokens of the longest usable prompt."""
        return max(len(prompt.token_ids) for prompt in self.prompts)


def set_up(
    directory: RunDirectory, *, model: ModelConfig, data: DataConfig, seed: int, max_new_tokens: int
) -> Workbench:
    """Load it all. Raises: ConfigError or DataError with what is wrong."""
    directory.status.update(state="running", phase="load", message="loading the policy")
    seed_everything(seed)
    compute = select_device(device=model.device, precision=model.precision, threads=model.threads)
    directory.status.update(device=compute.name)
    folder = directory.resolve(model.path)
    network = load_network(directory, model.path, compute)
    require_plain_head(network)
    renderer = Renderer(
        load_tokenizer(folder, key="model.path"), load_generation_config(folder, key="model.path"), key="model.path"
    )
    prompts, left_out = encode_prompts(
        read_prompts(directory.resolve(data.prompts)), renderer, max_tokens=data.max_prompt_tokens
    )
    if left_out:
        log.warning("%d prompts have more than %d tokens and are left out", left_out, data.max_prompt_tokens)
    bench = Workbench(compute, network, renderer, prompts, left_out)
    require_full_attention(network, bench.longest_prompt + max_new_tokens)
    return bench


def longest_sequence(bench: Workbench, config: OnlineConfig) -> int:
    """Tokens that a prompt and its completion may have together; given prompts may be as long as the config allows."""
    is_given = config.rollout.source == "judged"
    prompt = config.data.max_prompt_tokens if is_given else bench.longest_prompt
    return prompt + config.rollout.max_new_tokens


def load_network(
    directory: RunDirectory, path: str, compute: ComputeDevice, *, key: str = "model.path"
) -> PreTrainedModel:
    """A network for computing alone: frozen, in the compute precision, on its device. key: of `path`, for messages."""
    network = load_causal_model(directory.resolve(path), dtype=compute.compute_dtype, key=key)
    # functools.wraps hides from the checker that transformers' `to` is a method.
    network.to(compute.device)  # type: ignore[arg-type]
    return network.requires_grad_(False)


def load_exact_network(
    directory: RunDirectory, path: str, compute: ComputeDevice, *, key: str = "model.path"
) -> PreTrainedModel:
    """`load_network` for passes that are exact: where its files are more precise than it is, and our own layers run it,
    its weights know what rounding took from them."""
    network = load_network(directory, path, compute, key=key)
    if network.dtype == torch.float32 or find_body(network) is None:
        return network
    network.requires_grad_(True)
    exact = _read_exact(network, directory.resolve(path))
    if any(weight.dtype != network.dtype for weight in exact.values()):
        SplitWeights(network, exact)
    return network.requires_grad_(False)


def make_trainable(
    network: PreTrainedModel,
    directory: RunDirectory,
    model: ModelConfig,
    *,
    with_value_head: bool = False,
    ranks: Ranks = SINGLE,
    dither: int | None = None,
) -> Weights:
    """Float32 masters with the exact weights of the folder, whatever the network computes in; or those of adapters.

    Where our own layers run the network in bfloat16 its weights are the masters' upper halves: there is no second copy.
    with_value_head: the network gets a head that foretells rewards, which learns as well. With `sharding` the network's
    own weights become float32 and are spread over the ranks. dither: the seed by which masters of a bfloat16 network
    get random bits below it (`rewardmodel.runtime.dither`), for a policy that samples; None leaves them as they are.
    """
    if model.sharding == "full" and ranks.count > 1:
        return _spread(network, directory, model, ranks, dither)
    if model.adapter_rank:
        add_adapters(network, rank=model.adapter_rank, alpha=model.adapter_alpha)
    else:
        network.requires_grad_(True)
    needs_exact = network.dtype != torch.float32 and not model.adapter_rank
    exact = _read_exact(network, directory.resolve(model.path)) if needs_exact else {}
    if with_value_head:
        head = attach_value_head(network)
        exact.update((f"{VALUE_HEAD}.{name}", weight.detach()) for name, weight in head.named_parameters())
    if not needs_exact:
        return MasterWeights(network)
    return keep_exact(network, exact, runs_itself=find_body(network) is not None, dither=dither)


def keep_exact(
    network: nn.Module, exact: Mapping[str, Tensor], *, runs_itself: bool, dither: int | None = None
) -> Weights:
    """Float32 masters of a network that computes in another precision, from its weights by name in float32.

    runs_itself: our own layers run it, and add up its gradients in float32. dither: the seed by which they get random
    bits below that precision (`rewardmodel.runtime.dither`); None leaves them as they are given.
    """
    masters: SplitWeights | MasterWeights
    if runs_itself:
        masters = SplitWeights(network, exact)
    else:
        masters = MasterWeights(network)
        masters.unpack(exact)
    if dither is not None:
        fill_lower_halves(masters.parameters, masters.lower_halves, seed=dither)
    return masters


def _read_exact(network: PreTrainedModel, folder: Path) -> dict[str, Tensor]:
    """What learns in the network, in the precision of its files."""
    found = view_weights(network, folder)
    if found is not None:
        return found
    # The files call it otherwise than the network does.
    exact = load_causal_model(folder, dtype=torch.float32)
    return {name: parameter.detach() for name, parameter in exact.named_parameters()}


def _spread(
    network: PreTrainedModel, directory: RunDirectory, model: ModelConfig, ranks: Ranks, dither: int | None
) -> Weights:
    compute_dtype = network.dtype
    exact = load_causal_model(directory.resolve(model.path), dtype=torch.float32)
    network.float().load_state_dict(exact.state_dict())
    if dither is not None and compute_dtype != torch.float32:
        fill_lower_halves(list(network.parameters()), seed=dither)
    return ShardedWeights(network.requires_grad_(True), ranks, compute_dtype=compute_dtype)
