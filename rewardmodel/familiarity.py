"""How far responses lie from those that a reward model learned from: far away its scores are guesses."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.seeding import derive_generator

FEATURES_FILE = "reward_features.safetensors"
TAIL = 0.95
"""Share of held-out responses that are familiar, by definition."""
MOST_RESPONSES = 512
"""Of which the features are learned, for each costs a forward pass. On SmolLM2, 576 wide, 100 already order texts as
567 do: held-out ones 1.0, shuffled words 1.7, one word over and over 2.5, random letters 3.3."""
LEAST_SHRINKAGE = 1e-4
"""Keeps the covariance of few responses from being singular, and their whitening within float32."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Familiarity:
    """Mahalanobis distance to the features of training responses, in units of a typical held-out response.

    Source: Lee et al. 2018 (arXiv:1807.03888) eq. 2, with all responses as one class and a shrunk covariance.
    """

    mean: Tensor
    """[width] float32, of the features of training responses."""
    whitening: Tensor
    """[width, width] float32: makes their covariance the identity."""
    median: float
    """Median Mahalanobis distance of held-out responses: the unit."""
    tail: float
    """In that unit: 95 % of held-out responses are no farther away."""

    def distances(self, features: Tensor) -> numpy.ndarray:
        """[n] float32 of features [n, width] float32 on the CPU; 1 is a typical held-out response."""
        _require_matrix(features)
        found: numpy.ndarray = (((features - self.mean) @ self.whitening.T).norm(dim=1) / self.median).numpy()
        return found


def choose_rows(sequences: Sequence[tuple[int, ...]], *, seed: int) -> list[int]:
    """PURE: rows of at most MOST_RESPONSES different ones, chosen by chance; many pairs share a response."""
    different = list({ids: row for row, ids in enumerate(sequences)}.values())
    order = torch.randperm(len(different), generator=derive_generator(seed, "familiarity"))[:MOST_RESPONSES]
    return [different[place] for place in order.tolist()]


def learn_familiarity(training: Tensor, held_out: Tensor) -> Familiarity | None:
    """PURE: from features [n, width] float32 of training and of held-out responses, both on the CPU.

    None, told in the log, where training responses do not differ, or most held-out ones not from their mean, for then
    nothing is near or far.
    """
    whitening = whiten(training)
    if whitening is None:
        log.warning("the model will tell no distances: the features of its training responses are all the same")
        return None
    own = Familiarity(training.double().mean(dim=0).float(), whitening.float(), median=1.0, tail=1.0)
    raw = own.distances(held_out).astype(numpy.float64)
    median = float(numpy.median(raw))
    if median == 0:
        log.warning("the model will tell no distances: most held-out responses lie where training ones do on average")
        return None
    return Familiarity(own.mean, own.whitening, median, float(numpy.quantile(raw, TAIL)) / median)


def whiten(features: Tensor) -> Tensor | None:
    """PURE: [width, width] float64 that turns features [n, width] into ones whose shrunk covariance is the identity.

    Each feature is brought to variance 1 before, for shrinkage is towards equal variances, and a few features of a
    language model vary far more than the others (SmolLM2: 13 times). None where no feature varies.
    """
    _require_matrix(features)
    centred = features.double() - features.double().mean(dim=0)
    scale = centred.square().mean(dim=0).sqrt()
    if not bool((scale > 0).any()):
        return None
    scale = torch.where(scale > 0, scale, scale[scale > 0].min())
    covariance, _ = shrink_covariance(centred / scale)
    values, vectors = torch.linalg.eigh(covariance)
    return values.rsqrt()[:, None] * vectors.T / scale


def shrink_covariance(centred: Tensor) -> tuple[Tensor, float]:
    """PURE: the shrunk covariance [width, width] of centred rows [n, width] float64, and its share of the identity.

    Shrinkage is towards the mean variance in every direction, by the share that has the least expected squared error,
    and by LEAST_SHRINKAGE at least: positive definite wherever a row is not 0.
    Source: Ledoit & Wolf 2004, Journal of Multivariate Analysis 88(2), section 3.2.
    """
    _require_matrix(centred)
    count, width = centred.shape
    sample = centred.T @ centred / count
    mean_variance = sample.diagonal().mean()
    squares = sample.square().sum()
    distance = squares / width - mean_variance.square()
    # Mean squared distance of each row's own outer product from their mean, without making any of them.
    error = (centred.square().sum(dim=1).square().mean() - squares) / (width * count)
    share = min(1.0, float(error / distance)) if distance > 0 else 1.0
    share = max(share, LEAST_SHRINKAGE)
    return (1 - share) * sample + share * mean_variance * torch.eye(width, dtype=centred.dtype), share


def save_familiarity(familiarity: Familiarity, folder: Path, *, head_sha256: str) -> None:
    """Write mean and whitening beside the head whose features they are of; the two figures are the card's."""
    tensors = {"mean": familiarity.mean, "whitening": familiarity.whitening.contiguous()}
    save_file(tensors, folder / FEATURES_FILE, metadata={"head_sha256": head_sha256})


def load_familiarity(folder: Path, *, median: float, tail: float, head_sha256: str) -> Familiarity:
    """What `save_familiarity` wrote. Raises: ConfigError where the file is gone, broken or another model's."""
    path = folder / FEATURES_FILE
    try:
        with safe_open(path, framework="pt") as file:
            mean, whitening, owner = file.get_tensor("mean"), file.get_tensor("whitening"), file.metadata()
    except (OSError, SafetensorError) as error:
        raise ConfigError([f"model: {path} cannot be read, though the model was saved with it: {error}"]) from error
    if owner != {"head_sha256": head_sha256}:
        raise ConfigError([f"model: {path} is not the file that was saved with this model"])
    return Familiarity(mean, whitening, median, tail)


def _require_matrix(features: Tensor) -> None:
    if features.dim() != 2 or not len(features):
        raise ValueError(f"expected features [n, width] of one response or more, got {list(features.shape)}")
