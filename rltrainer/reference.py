"""The model that the policy is measured against."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

from transformers import PreTrainedModel

from rltrainer.adapters import adapters_off
from rltrainer.filed_weights import FiledWeights
from rltrainer.layouts import Pair
from rltrainer.policy import Policy
from rltrainer.ranks import SINGLE, Ranks


class Reference:
    """A frozen copy of the model, or the policy's own network with its adapters off."""

    def __init__(
        self, policy: Policy, *, has_adapters: bool, ranks: Ranks = SINGLE, weights: FiledWeights | None = None
    ) -> None:
        """policy: scores with the reference's network, in the micro-batches of the policy that learns: equal weights
        then give a distance of 0, up to the rounding of passes that are not exact. weights: of a frozen copy, read for
        each use and let go of after it."""
        self.policy = policy
        self.weights = weights
        self.has_adapters = has_adapters
        self.ranks = ranks

    @property
    def model(self) -> PreTrainedModel:
        """The network; compute with it inside of `in_place`."""
        return self.policy.model

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside the block `model` is the reference."""
        if self.weights is not None:
            self.weights.take()
        try:
            with adapters_off(self.policy.model) if self.has_adapters else nullcontext():
                yield
        finally:
            if self.weights is not None:
                self.weights.release()

    def log_probs(self, pairs: Sequence[Pair]) -> list[tuple[float, ...]]:
        """Log-probs of each completion's tokens. Raises: Interrupted where the run should stop."""
        mine = self.ranks.share(pairs, weights=[float(len(completion)) for _, completion in pairs])
        with self.in_place():
            return self.ranks.join(self.ranks.attempt(lambda: self.policy.log_probs(mine)))
