"""The network of the reference, once it has been seen to be one that the policy can be measured against."""

from typing import Protocol

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.device import ComputeDevice
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.architecture import require_full_attention, require_plain_head, token_embeddings
from rltrainer.config_sections import ModelConfig
from rltrainer.vocabulary import require_same_tokens
from rltrainer.workbench import load_network

KEY = "model.reference"


class Load(Protocol):
    """A way to load a network."""

    def __call__(self, directory: RunDirectory, path: str, compute: ComputeDevice, *, key: str) -> PreTrainedModel: ...


def load_reference(
    directory: RunDirectory,
    model: ModelConfig,
    compute: ComputeDevice,
    *,
    policy: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    longest: int,
    load: Load = load_network,
) -> PreTrainedModel:
    """The frozen network of `model.reference`, or of `model.path` where that is null.

    tokenizer: the policy's, whose tokens it scores. longest: tokens of the longest prompt and completion.
    Raises: ConfigError where it means other tokens by their ids, has no row for one, or cannot be scored exactly.
    """
    if model.reference is None:
        return load(directory, model.path, compute, key="model.path")
    require_same_tokens(
        directory.resolve(model.reference),
        tokenizer,
        key=KEY,
        reader="reference",
        way_out="name a model with the policy's own tokenizer, such as the one it was trained from",
    )
    network = load(directory, model.reference, compute, key=KEY)
    _require_rows(network, policy)
    require_plain_head(network, key=KEY)
    require_full_attention(network, longest, key=KEY)
    return network


def _require_rows(network: PreTrainedModel, policy: PreTrainedModel) -> None:
    """Raises: ConfigError where the policy can sample a padding row that the reference has not."""
    own, wanted = (token_embeddings(each).num_embeddings for each in (network, policy))
    if own < wanted:
        raise ConfigError(
            [
                f"{KEY}: its table of embeddings has {own} rows and the policy's has {wanted}, any of which can be "
                "sampled; save the reference with its embeddings resized to as many rows"
            ]
        )
