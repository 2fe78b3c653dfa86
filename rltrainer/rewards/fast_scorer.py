"""A reward model's scores by our own layers, where these are the network's, in as large batches as memory holds."""

import logging
from collections.abc import Sequence

from torch import Tensor

from rewardmodel.network import Reading
from rewardmodel.runtime.faults import Diverged
from rewardmodel.scorer import RewardScorer
from rltrainer.llama.body import find_body
from rltrainer.memory import within_memory

log = logging.getLogger(__name__)


class FastScorer(RewardScorer):
    """A `RewardScorer` that computes no padding, and of the last layer only what the score is read from."""

    def read(self, sequences: Sequence[Sequence[int]], *, keep: Sequence[int] | None = None) -> Reading:
        """Raw scores and features of token sequences as the network gives them, up to rounding.

        Fewer at once where memory does not suffice. Raises: Diverged where it suffices for no response alone.
        """
        plainly = super().read
        return within_memory(lambda: plainly(sequences, keep=keep), lambda: self._halve_batches(sequences))

    def features_of(self, sequences: Sequence[Sequence[int]]) -> Tensor:
        """The network's features [n, width] float32, by our own layers where these are the network's."""
        body = find_body(self.network.backbone)
        if body is None:
            return super().features_of(sequences)
        return body.last_states([tuple(ids) for ids in sequences]).float()

    def _halve_batches(self, sequences: Sequence[Sequence[int]]) -> None:
        # With fewer tokens than two of the shortest have, each went through alone.
        if self.batch_tokens < 2 * min(len(sequence) for sequence in sequences):
            raise Diverged("out of memory even with one response scored at a time; take a smaller reward model")
        self.batch_tokens //= 2
        log.warning("out of memory: from now on at most %d tokens are scored at once", self.batch_tokens)
