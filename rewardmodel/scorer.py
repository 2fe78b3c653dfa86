"""Scores for responses, from a reward model's folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy
from torch import Tensor

from rewardmodel.network import Reading, find_familiarity, load_reward_model, read_sequences
from rewardmodel.runtime.backbones import load_generation_config, load_tokenizer
from rewardmodel.runtime.cancellation import StopCheck, never_stop
from rewardmodel.runtime.device import ComputeDevice, exact_device
from rewardmodel.runtime.rendering import Messages, Renderer


@dataclass(frozen=True, slots=True)
class Distances:
    """How far responses lie from what reward models learned from."""

    typical: numpy.ndarray
    """[n] float32 distance in units of a typical held-out response; of several models the mean."""
    unfamiliar: numpy.ndarray
    """[n] float32 share of the models for which it is farther than 95 % of held-out responses: 0 or 1 for one."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one reward model says about responses."""

    scores: numpy.ndarray
    """[n] float32, normalised."""
    distances: Distances | None
    """None where its folder has no features of training responses."""


class RewardScorer:
    """Scores responses; a score does not depend on what it is scored together with (float32: to 1e-5).

    Scores are normalised with the mean and deviation stored with the model: 0 is a typical held-out response, 1 is
    one standard deviation better.
    """

    def __init__(
        self,
        folder: Path,
        compute: ComputeDevice | None = None,
        *,
        batch_tokens: int = 8192,
        check: StopCheck = never_stop,
    ) -> None:
        compute = compute or exact_device()
        self.network, self.card = load_reward_model(folder, dtype=compute.compute_dtype)
        self.familiarity = find_familiarity(folder, self.card)
        self.network.to(compute.device)
        self.renderer = Renderer(load_tokenizer(folder), load_generation_config(folder))
        self.batch_tokens = batch_tokens
        self.check = check

    def score(self, prompts: Sequence[Messages], responses: Sequence[str], *, normalised: bool = True) -> numpy.ndarray:
        """Scores [n] float32 of the responses to the prompts beside them.

        Raises: ValueError where there are more of one than of the other.
        """
        raw = self.raw_scores(self._render(prompts, responses))
        return self.normalise(raw) if normalised else raw

    def measure(self, prompts: Sequence[Messages], responses: Sequence[str]) -> Opinion:
        """Normalised scores and distances of the responses to the prompts beside them, from one pass.

        Raises: ValueError where there are more of one than of the other.
        """
        reading = self.read(self._render(prompts, responses))
        return Opinion(self.normalise(reading.scores), self._distances(reading))

    def raw_scores(self, sequences: Sequence[Sequence[int]]) -> numpy.ndarray:
        """Scores [n] float32 of token sequences as the network gives them."""
        return self.read(sequences, keep=()).scores

    def read(self, sequences: Sequence[Sequence[int]], *, keep: Sequence[int] | None = None) -> Reading:
        """Raw scores and features of token sequences. keep: the rows whose features are wanted; all by default."""
        return read_sequences(
            self.network,
            sequences,
            pad_id=self.renderer.pad_id,
            batch_tokens=self.batch_tokens,
            check=self.check,
            features_of=self.features_of,
            keep=keep,
        )

    def features_of(self, sequences: Sequence[Sequence[int]]) -> Tensor:
        """The network's features [n, width] float32 of token sequences."""
        return self.network.features_of(sequences, pad_id=self.renderer.pad_id)

    def normalise(self, raw: numpy.ndarray) -> numpy.ndarray:
        """Raw scores on the scale of held-out responses, float32."""
        scaled: numpy.ndarray = ((raw - self.card.score_mean) / self.card.score_deviation).astype(numpy.float32)
        return scaled

    def _render(self, prompts: Sequence[Messages], responses: Sequence[str]) -> list[tuple[int, ...]]:
        limit = self.card.max_length_tokens
        return [
            self.renderer.render(prompt, response, max_tokens=limit).token_ids
            for prompt, response in zip(prompts, responses, strict=True)
        ]

    def _distances(self, reading: Reading) -> Distances | None:
        if self.familiarity is None or not len(reading.features):
            return None
        typical = self.familiarity.distances(reading.features)
        return Distances(typical, (typical > self.familiarity.tail).astype(numpy.float32))


@dataclass(frozen=True, slots=True)
class EnsembleScores:
    """What several reward models say about the same responses, each on its own scale of held-out responses."""

    mean: numpy.ndarray
    """[n] float32 mean over the models."""
    deviation: numpy.ndarray
    """[n] float32 deviation among the models (that of a population: divided by their number); 0 for a single one."""
    lowest: numpy.ndarray
    """[n] float32 the least of them."""
    distances: Distances | None = None
    """Means over the models that tell distances; None where none does."""

    def trusted(self, *, rule: Literal["mean_minus_std", "min"], penalty: float) -> numpy.ndarray:
        """[n] the score that is believed: the mean less `penalty` deviations, or the lowest.

        Source: Coste et al. 2024 (arXiv:2310.02743), uncertainty-weighted and worst-case optimisation, the former with
        the deviation in place of the variance so that all is in units of the score.
        """
        return self.lowest if rule == "min" else self.mean - numpy.float32(penalty) * self.deviation


class EnsembleScorer:
    """Scores responses with several reward models."""

    def __init__(self, members: Sequence[RewardScorer]) -> None:
        if not members:
            raise ValueError("an ensemble needs a reward model")
        self.members = tuple(members)

    def score(self, prompts: Sequence[Messages], responses: Sequence[str]) -> EnsembleScores:
        """What all say of the responses to the prompts beside them. Raises: ValueError as `RewardScorer.score`."""
        opinions = [member.measure(prompts, responses) for member in self.members]
        scores = numpy.stack([opinion.scores for opinion in opinions])
        told = [opinion.distances for opinion in opinions if opinion.distances is not None]
        return EnsembleScores(scores.mean(axis=0), scores.std(axis=0), scores.min(axis=0), _mean(told))


def _mean(told: Sequence[Distances]) -> Distances | None:
    if not told:
        return None
    return Distances(
        numpy.stack([distances.typical for distances in told]).mean(axis=0),
        numpy.stack([distances.unfamiliar for distances in told]).mean(axis=0),
    )
