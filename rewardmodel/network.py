"""The reward network: a language model's body and one number read off its last token."""

import hashlib
import json
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from rewardmodel.batching import group_rows, pad_right
from rewardmodel.config_parsing import ConfigError, parse_dataclass
from rewardmodel.familiarity import FEATURES_FILE, Familiarity, load_familiarity, save_familiarity
from rewardmodel.runtime.atomic_files import write_json
from rewardmodel.runtime.backbones import load_backbone
from rewardmodel.runtime.cancellation import StopCheck, never_stop
from rewardmodel.runtime.seeding import derive_generator

HEAD_FILE = "reward_head.safetensors"
CARD_FILE = "reward_model.json"
log = logging.getLogger(__name__)


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
    distance_median: float | None = None
    """Median Mahalanobis distance of held-out responses to what the model learned from: the unit of distances. None in
    folders without features of training responses."""
    distance_tail: float | None = None
    """In that unit: 95 % of held-out responses are no farther away."""
    schema: int = 1
    """Version of this form."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the network gives for token sequences in one pass."""

    scores: numpy.ndarray
    """[n] float32, raw."""
    features: Tensor
    """[n, or as many as were wanted, width] float32 on the CPU: what the head reads the scores from."""


class RewardNetwork(nn.Module):
    """Scores token sequences. The head is float32 whatever the body computes in."""

    def __init__(self, backbone: PreTrainedModel, *, seed: int = 0) -> None:
        super().__init__()
        self.backbone = backbone
        hidden_size = int(backbone.config.get_text_config().hidden_size)
        self.head = nn.Linear(hidden_size, 1, dtype=torch.float32)
        _initialise_head(self.head, seed)

    def forward(self, token_ids: Tensor, lengths: Tensor) -> Tensor:
        """Raw scores [rows] float32 of right-padded token ids [rows, tokens] with real lengths [rows]."""
        return self.read_off(self.features(token_ids, lengths))

    def features(self, token_ids: Tensor, lengths: Tensor) -> Tensor:
        """What the head reads [rows, width] float32: the body's last hidden state at each row's last real token.

        The body is causal, so what stands behind a row's last real token cannot reach it, and no mask is needed.
        """
        hidden = self.backbone(input_ids=token_ids, use_cache=False).last_hidden_state
        rows = torch.arange(len(lengths), device=hidden.device)
        features: Tensor = hidden[rows, lengths - 1].float()
        return features

    def features_of(self, sequences: Sequence[Sequence[int]], *, pad_id: int) -> Tensor:
        """The same [n, width] of token sequences, brought to the network's device."""
        ids, lengths = pad_right(sequences, pad_id=pad_id)
        device = self.head.weight.device
        return self.features(ids.to(device), lengths.to(device))

    def read_off(self, features: Tensor) -> Tensor:
        """Raw scores [rows] float32 of features [rows, width] float32."""
        scores: Tensor = self.head(features).squeeze(-1)
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


FeaturesOf = Callable[[Sequence[Sequence[int]]], Tensor]
"""Features [n, width] float32 of token sequences."""


def read_sequences(
    network: RewardNetwork,
    sequences: Sequence[Sequence[int]],
    *,
    pad_id: int,
    batch_tokens: int,
    check: StopCheck = never_stop,
    features_of: FeaturesOf | None = None,
    keep: Sequence[int] | None = None,
) -> Reading:
    """Scores of token sequences, in the order given, and the features that they are read off.

    check: called between batches. features_of: another way to the network's features. keep: the rows whose features are
    wanted, in the order in which they are given; all by default.
    """
    places = {row: place for place, row in enumerate(range(len(sequences)) if keep is None else keep)}
    scores = numpy.empty(len(sequences), dtype=numpy.float32)
    features = torch.empty(len(places), network.head.in_features)
    find = features_of or (lambda batch: network.features_of(batch, pad_id=pad_id))
    with torch.no_grad():
        for group in group_rows([len(sequence) for sequence in sequences], batch_tokens=batch_tokens):
            check()
            found = find([sequences[row] for row in group])
            scores[group] = network.read_off(found).cpu().numpy()
            kept = [place for place, row in enumerate(group) if row in places]
            features[[places[group[place]] for place in kept]] = found[kept].cpu()
    return Reading(scores, features)


def score_sequences(
    network: RewardNetwork,
    sequences: Sequence[Sequence[int]],
    *,
    pad_id: int,
    batch_tokens: int,
    check: StopCheck = never_stop,
) -> numpy.ndarray:
    """The scores [n] of `read_sequences` alone."""
    return read_sequences(network, sequences, pad_id=pad_id, batch_tokens=batch_tokens, check=check, keep=()).scores


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


def save_reward_model(
    network: RewardNetwork,
    folder: Path,
    *,
    max_length_tokens: int,
    mean: float,
    std: float,
    familiarity: Familiarity | None = None,
) -> None:
    """Write body (a normal Hugging Face folder), head, familiarity and card; the tokenizer is the caller's to add."""
    network.backbone.save_pretrained(folder)
    save_file(
        {"weight": network.head.weight.detach().cpu(), "bias": network.head.bias.detach().cpu()}, folder / HEAD_FILE
    )
    card = RewardCard(max_length_tokens, mean, std, _hash_head(network.head))
    if familiarity is not None:
        save_familiarity(familiarity, folder, head_sha256=card.head_sha256)
        card = replace(card, distance_median=familiarity.median, distance_tail=familiarity.tail)
    write_json(folder / CARD_FILE, asdict(card))


def load_reward_model(folder: Path, *, dtype: torch.dtype = torch.float32) -> tuple[RewardNetwork, RewardCard]:
    """The network and card of a folder that `save_reward_model` wrote.

    Raises: ConfigError where the folder is no reward model or its head is not the one that was saved.
    """
    if not (folder / CARD_FILE).is_file():
        raise ConfigError([f"model: {folder} is not a reward model (it has no {CARD_FILE})"])
    try:
        card = parse_dataclass(RewardCard, json.loads((folder / CARD_FILE).read_text(encoding="utf-8")), path=CARD_FILE)
        head = load_file(folder / HEAD_FILE)
    except (OSError, SafetensorError, json.JSONDecodeError) as error:
        raise ConfigError([f"model: {folder} has a head or card that cannot be read: {error}"]) from error
    network = RewardNetwork(load_backbone(folder, dtype=dtype))
    if {name: weight.shape for name, weight in head.items()} != {
        name: weight.shape for name, weight in network.head.state_dict().items()
    }:
        raise ConfigError([f"model: {folder / HEAD_FILE} is not a head for the model beside it; copy the folder again"])
    network.head.load_state_dict(head)
    if _hash_head(network.head) != card.head_sha256:
        raise ConfigError([f"model: {folder / HEAD_FILE} is not the head that was saved with this model"])
    return network.eval(), card


def find_familiarity(folder: Path, card: RewardCard) -> Familiarity | None:
    """What a reward model's folder knows of its training responses; None, told in the log, where it has nothing.

    Raises: ConfigError where the card speaks of a file that is not there or not this model's.
    """
    if card.distance_median is None or card.distance_tail is None:
        log.info("%s has no %s and tells no distances; a model trained anew has them", folder, FEATURES_FILE)
        return None
    return load_familiarity(folder, median=card.distance_median, tail=card.distance_tail, head_sha256=card.head_sha256)


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
