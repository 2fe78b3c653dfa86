"""One move of a network's weights along a gradient: within memory, over all ranks, and only where it is finite."""

import logging
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from rewardmodel.runtime.faults import Diverged
from rewardmodel.runtime.training_state import pack_optimizer, unpack_optimizer
from rewardmodel.runtime.update_norm import UpdateMeter, describe_update
from rltrainer.config_learning import OptimizerConfig
from rltrainer.gradients import gradient_of
from rltrainer.memory import MicroBatchBudget, within_memory
from rltrainer.ranks import SINGLE, Ranks
from rltrainer.sharding import as_number, gather_tensors, share_optimizer
from rltrainer.tally import Tally
from rltrainer.weights import Weights

CLIP_MARGIN = 1e-6
"""Torch adds as much to a gradient's length before it divides by it."""
T = TypeVar("T")
log = logging.getLogger(__name__)


class WeightStepper:
    """Float32 masters with their AdamW: `take` brings a step's gradients together and moves the weights."""

    def __init__(
        self,
        masters: Weights,
        adamw: torch.optim.AdamW,
        config: OptimizerConfig,
        *,
        budget: MicroBatchBudget,
        ranks: Ranks = SINGLE,
    ) -> None:
        self.masters = masters
        self.adamw = adamw
        self.config = config
        self.budget = budget
        self.ranks = ranks
        self.skipped_in_a_row = 0
        self.meter = UpdateMeter(masters.parameters, masters.lower_halves)

    def take(self, accumulate: Callable[[Tally], T], *, learning_rate: float, tally: Tally) -> T:
        """One optimizer step; gives what `accumulate` gave.

        accumulate: leaves this rank's gradients in the masters, in micro-batches of `budget.tokens`, and what it
        measured in the tally it is given; it is called again where memory did not suffice.
        A step whose gradient is not finite is left out and counted.
        Raises: Diverged where that happens too often in a row; Interrupted where `accumulate` does, without gradients.
        """
        own = Tally()
        try:
            found = self.ranks.attempt(lambda: self._within_memory(accumulate, own))
        except BaseException:
            self.masters.clear_gradients()
            raise
        self._complete_gradients()
        for measured in self.ranks.gather(own):
            tally.merge(measured)
        norm = self._clip()
        tally.add_mean("grad_norm", torch.tensor([norm], dtype=torch.float64))
        if math.isfinite(norm):
            self.meter.begin()
            self._move(learning_rate)
            self._note_update(tally)
        else:
            self._skip(tally)
        return found

    def pack(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Weights, AdamW's means and what else the next step depends on; all ranks call it, the first gets them."""
        tensors, settings = pack_optimizer(self.adamw)
        tensors = gather_tensors(tensors, self.ranks)
        weights = {f"weights.{name}": master for name, master in self.masters.pack().items()}
        moments = {f"adamw.{name}": tensor for name, tensor in tensors.items()}
        # Another size of micro-batches would round otherwise.
        state = {"skipped_in_a_row": self.skipped_in_a_row, "micro_batch_tokens": self.budget.tokens}
        return {**weights, **moments}, {"adamw": settings, **state}

    def unpack(self, tensors: Mapping[str, Tensor], state: Any) -> None:
        """Put what `pack` gave back."""
        kinds: dict[str, dict[str, Tensor]] = {"weights": {}, "adamw": {}}
        for key, tensor in tensors.items():
            kind, _, name = key.partition(".")
            kinds[kind][name] = tensor
        self.masters.unpack(kinds["weights"])
        unpack_optimizer(self.adamw, share_optimizer(kinds["adamw"], self.adamw), state["adamw"])
        self.skipped_in_a_row = state["skipped_in_a_row"]
        self.budget.tokens = state.get("micro_batch_tokens", self.budget.tokens)

    def _within_memory(self, accumulate: Callable[[Tally], T], tally: Tally) -> T:
        def attempt() -> tuple[T, Tally]:
            own = Tally()
            return accumulate(own), own

        def make_room() -> None:
            self.masters.clear_gradients()
            self.budget.halve()

        found, own = within_memory(attempt, make_room)
        tally.merge(own)
        return found

    def _complete_gradients(self) -> None:
        """Gradients of all ranks, and zeros where this one had nothing to run: AdamW's means move on all the same."""
        for parameter in self.masters.parameters:
            gradient_of(parameter)
        self.ranks.reduce_gradients(self.masters.parameters)

    def _clip(self) -> float:
        """Shorten the gradient to its limit; gives its length before."""
        parameters, limit = self.masters.parameters, self.config.max_grad_norm
        norm = nn.utils.get_total_norm([gradient_of(parameter) for parameter in parameters])
        length = as_number(norm)
        # Torch multiplies by 1 otherwise, which visits every gradient once more.
        if length + CLIP_MARGIN > limit:
            nn.utils.clip_grads_with_norm_(parameters, limit, norm)
        return length

    def _move(self, learning_rate: float) -> None:
        for group in self.adamw.param_groups:
            group["lr"] = learning_rate * group["rate_factor"]
        self.masters.step(self.adamw)
        self.masters.clear_gradients()
        self.skipped_in_a_row = 0

    def _note_update(self, tally: Tally) -> None:
        own = self.meter.squares()
        # Ranks that hold all weights measure the same.
        squares = self.ranks.gather(own) if self.masters.is_spread else [own]
        for name, moved in describe_update(squares).items():
            tally.add_mean(name, torch.tensor([moved], dtype=torch.float64))

    def _skip(self, tally: Tally) -> None:
        self.masters.clear_gradients()
        self.skipped_in_a_row += 1
        tally.add_sum("skipped_steps", 1)
        log.warning("an optimizer step is left out: its gradient is not finite (%d in a row)", self.skipped_in_a_row)
        if self.skipped_in_a_row > self.config.max_skipped_steps:
            raise Diverged(
                f"the gradient was not finite {self.skipped_in_a_row} times in a row; lower the learning rate, or look "
                "at what is learned from"
            )
