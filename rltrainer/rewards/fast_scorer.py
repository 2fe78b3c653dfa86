"""A reward model's scores by our own layers, where these are the network's, in as large batches as memory holds."""

import logging
from collections.abc import Sequence

import numpy
import torch

from rewardmodel.batching import group_rows
from rewardmodel.network import Reading
from rewardmodel.runtime.faults import Diverged
from rewardmodel.scorer import RewardScorer
from rltrainer.llama.body import Body, find_body
from rltrainer.memory import within_memory

log = logging.getLogger(__name__)


class FastScorer(RewardScorer):
    """A `RewardScorer` that computes no padding, and of the last layer only what the score is read from."""

    def read(self, sequences: Sequence[Sequence[int]]) -> Reading:
        """Raw scores and features of token sequences as the network gives them, up to rounding.

        Fewer at once where memory does not suffice. Raises: Diverged where it suffices for no response alone.
        """
        return within_memory(lambda: self._read(sequences), lambda: self._halve_batches(sequences))

    @torch.no_grad()
    def _read(self, sequences: Sequence[Sequence[int]]) -> Reading:
        body = find_body(self.network.backbone)
        return super().read(sequences) if body is None else self._read_unpadded(body, sequences)

    def _read_unpadded(self, body: Body, sequences: Sequence[Sequence[int]]) -> Reading:
        scores = numpy.empty(len(sequences), dtype=numpy.float32)
        features = torch.empty(len(sequences), self.network.head.in_features)
        for group in group_rows([len(sequence) for sequence in sequences], batch_tokens=self.batch_tokens):
            self.check()
            found = body.last_states([tuple(sequences[row]) for row in group]).float()
            scores[group] = self.network.read_off(found).numpy()
            features[group] = found
        return Reading(scores, features)

    def _halve_batches(self, sequences: Sequence[Sequence[int]]) -> None:
        # With fewer tokens than two of the shortest have, each went through alone.
        if self.batch_tokens < 2 * min(len(sequence) for sequence in sequences):
            raise Diverged("out of memory even with one response scored at a time; take a smaller reward model")
        self.batch_tokens //= 2
        log.warning("out of memory: from now on at most %d tokens are scored at once", self.batch_tokens)
