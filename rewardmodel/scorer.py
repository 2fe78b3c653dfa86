"""Scores for responses, from a reward model's folder."""

from collections.abc import Sequence
from pathlib import Path

import numpy

from rewardmodel.network import load_reward_model, score_sequences
from rewardmodel.runtime.backbones import load_generation_config, load_tokenizer
from rewardmodel.runtime.cancellation import StopCheck, never_stop
from rewardmodel.runtime.device import ComputeDevice, exact_device
from rewardmodel.runtime.rendering import Messages, Renderer


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
        self.network.to(compute.device)
        self.renderer = Renderer(load_tokenizer(folder), load_generation_config(folder))
        self.batch_tokens = batch_tokens
        self.check = check

    def score(self, prompts: Sequence[Messages], responses: Sequence[str], *, normalised: bool = True) -> numpy.ndarray:
        """Scores [n] float32 of the responses to the prompts beside them.

        Raises: ValueError where there are more of one than of the other.
        """
        limit = self.card.max_length_tokens
        sequences = [
            self.renderer.render(prompt, response, max_tokens=limit).token_ids
            for prompt, response in zip(prompts, responses, strict=True)
        ]
        raw = score_sequences(
            self.network,
            sequences,
            pad_id=self.renderer.pad_id,
            batch_tokens=self.batch_tokens,
            check=self.check,
        )
        return self.normalise(raw) if normalised else raw

    def normalise(self, raw: numpy.ndarray) -> numpy.ndarray:
        """Raw scores on the scale of held-out responses, float32."""
        scaled: numpy.ndarray = ((raw - self.card.score_mean) / self.card.score_deviation).astype(numpy.float32)
        return scaled
