"""A reward model's scores by our own layers, where these are the network's."""

from collections.abc import Sequence

import numpy
import torch

from rewardmodel.batching import group_rows
from rewardmodel.scorer import RewardScorer
from rltrainer.llama.body import find_body


class FastScorer(RewardScorer):
    """A `RewardScorer` that computes no padding, and of the last layer only what the score is read from."""

    @torch.no_grad()
    def raw_scores(self, sequences: Sequence[Sequence[int]]) -> numpy.ndarray:
        """Scores [n] float32 of token sequences as the network gives them, up to rounding."""
        body = find_body(self.network.backbone)
        if body is None:
            return super().raw_scores(sequences)
        scores = numpy.empty(len(sequences), dtype=numpy.float32)
        for group in group_rows([len(sequence) for sequence in sequences], batch_tokens=self.batch_tokens):
            self.check()
            states = body.last_states([tuple(sequences[row]) for row in group])
            scores[group] = self.network.head(states.float()).squeeze(-1).numpy()
        return scores
