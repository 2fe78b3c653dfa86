"""The reward network: a language model's body and one number read off its last token."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from rewardmodel.batching import group_rows, pad_right
from rewardmodel.config_parsing import ConfigError, parse_dataclass
from rewardmodel.runtime.atomic_files import write_json
from rewardmodel.runtime.backbones import load_backbone
from rewardmodel.runtime.cancellation import StopCheck, never_stop
from rewardmodel.runtime.seeding import derive_generator

HEAD_FILE = "reward_head.safetensors"
CARD_FILE = "reward_model.json"


@dataclass(frozen=True, slots=True)
class RewardCard:
    """What a reward model's folder says about itself beside the weights."""

    max_length_tokens: int
    """Longest sequence it was trained on; scoring cuts longer ones at the front."""
    score_mean: float
    """Mean raw score of held-out responses."""
    score_deviation: float
    """Standard deviation of raw scores of held-out responses."""
    head_sha256: str
    """Hash of the head's weights, checked on loading."""
    schema: int = 1
    """Version of this form."""


class RewardNetwork(nn.Module):
    """Scores token sequences. The head is float32 whatever the body computes in."""

    def __init__(self, backbone: PreTrainedModel, *, seed: int = 0) -> None:
        super().__init__()
        self.backbone = backbone
        hidden_size = int(backbone.config.get_text_config().hidden_size)
        self.head = nn.Linear(hidden_size, 1, dtype=torch.float32)
        _initialise_head(self.head, seed)

    def forward(self, token_ids: Tensor, lengths: Tensor) -> Tensor:
        """Raw scores [rows] float32 of right-padded token ids [rows, tokens] with real lengths [rows].

        The body is causal, so what stands behind a row's last real token cannot reach it, and no mask is needed.
        """
        hidden = self.backbone(input_ids=token_ids, use_cache=False).last_hidden_state
        rows = torch.arange(len(lengths), device=hidden.device)
        scores: Tensor = self.head(hidden[rows, lengths - 1].float()).squeeze(-1)
        return scores

    def freeze_layers(self, count: int) -> None:
        """Leave the embedding and the first `count` layers as they are. Raises: ConfigError where they are too few."""
        if count == 0:
            return
        layers = getattr(self.backbone, "layers", None) or getattr(self.backbone, "h", None)
        if layers is None or count >= len(layers):
            found = "none that can be frozen" if layers is None else str(len(layers))
            raise ConfigError([f"model.frozen_layers: {count} asked for, but the model has {found} layers"])
        for part in (self.backbone.get_input_embeddings(), *layers[:count]):
            part.requires_grad_(False)


@torch.no_grad()
def score_sequences(
    network: RewardNetwork,
    sequences: Sequence[Sequence[int]],
    *,
    pad_id: int,
    batch_tokens: int,
    check: StopCheck = never_stop,
) -> numpy.ndarray:
    """Raw scores of token sequences [n], float32, in the order given; `check` is called between batches."""
    device = network.head.weight.device
    scores = numpy.empty(len(sequences), dtype=numpy.float32)
    for group in group_rows([len(sequence) for sequence in sequences], batch_tokens=batch_tokens):
        check()
        ids, lengths = pad_right([sequences[row] for row in group], pad_id=pad_id)
        scores[group] = network(ids.to(device), lengths.to(device)).cpu().numpy()
    return scores


def require_causal(network: RewardNetwork) -> None:
    """Raises: ConfigError where a later token changes what the body says about an earlier one."""
    device = network.head.weight.device
    with torch.no_grad():
        hidden = [
            network.backbone(input_ids=torch.tensor([ids], device=device), use_cache=False).last_hidden_state[0, 0]
            for ids in ([1], [1, 2])
        ]
    if not torch.allclose(hidden[0].float(), hidden[1].float(), rtol=0.1, atol=0.1):
        raise ConfigError(["model.base: the model looks at later tokens; a reward model needs a causal language model"])


def require_places(network: RewardNetwork, length: int) -> None:
    """Raises: ConfigError where the body has fewer positions than the longest sequence has tokens."""
    places = getattr(network.backbone.config.get_text_config(), "max_position_embeddings", None)
    if places is not None and length > places:
        raise ConfigError([f"data.max_length_tokens: {length} exceeds the {places} positions of the model"])


def save_reward_model(network: RewardNetwork, folder: Path, *, max_length_tokens: int, mean: float, std: float) -> None:
    """Write body (a normal Hugging Face folder), head and card; the tokenizer is the caller's to add."""
    network.backbone.save_pretrained(folder)
    save_file(
        {"weight": network.head.weight.detach().cpu(), "bias": network.head.bias.detach().cpu()}, folder / HEAD_FILE
    )
    write_json(folder / CARD_FILE, asdict(RewardCard(max_length_tokens, mean, std, _hash_head(network.head))))


def load_reward_model(folder: Path, *, dtype: torch.dtype = torch.float32) -> tuple[RewardNetwork, RewardCard]:
    """The network and card of a folder that `save_reward_model` wrote.

    Raises: ConfigError where the folder is no reward model or its head is not the one that was saved.
    """
    if not (folder / CARD_FILE).is_file():
        raise ConfigError([f"model: {folder} is not a reward model (it has no {CARD_FILE})"])
    card = parse_dataclass(RewardCard, json.loads((folder / CARD_FILE).read_text(encoding="utf-8")), path=CARD_FILE)
    network = RewardNetwork(load_backbone(folder, dtype=dtype))
    network.head.load_state_dict(load_file(folder / HEAD_FILE))
    if _hash_head(network.head) != card.head_sha256:
        raise ConfigError([f"model: {folder / HEAD_FILE} is not the head that was saved with this model"])
    return network.eval(), card


def _initialise_head(head: nn.Linear, seed: int) -> None:
    """Normal weights of variance 1/(d+1), so that first scores have about unit size (arXiv:2009.01325)."""
    deviation = 1 / math.sqrt(head.in_features + 1)
    with torch.no_grad():
        head.weight.normal_(0.0, deviation, generator=derive_generator(seed, "head"))
        head.bias.zero_()


def _hash_head(head: nn.Linear) -> str:
    digest = hashlib.sha256()
    for parameter in (head.weight, head.bias):
        digest.update(parameter.detach().cpu().numpy().tobytes())
    return digest.hexdigest()
