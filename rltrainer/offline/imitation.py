"""Supervised fine-tuning: make the given responses likely."""

import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy
from torch import Tensor

from rewardmodel.intervals import Estimate, estimate_ratio
from rltrainer.offline.lesson import Lesson
from rltrainer.offline.objective import Answers, StepSize, Sums
from rltrainer.offline_losses import sft_loss
from rltrainer.tally import Tally


class Imitation:
    """The objective of kind `sft`: negative log-likelihood of the responses' tokens, each token counting the same."""

    def loss(self, answers: Answers, lessons: Sequence[Lesson], size: StepSize, tally: Tally) -> Tensor:
        """This micro-batch's share of the step's nats a token."""
        tally.add_mean("entropy", answers.entropy, answers.mask)
        return sft_loss(answers.log_probs, answers.mask, tokens=size.tokens)

    def look(self, lessons: Sequence[Lesson], sums: Sequence[Sums]) -> dict[str, float]:
        """Nats a token."""
        return {"eval_loss": -float(_column(sums).sum()) / float(_tokens(lessons).sum())}

    def judge(
        self, lessons: Sequence[Lesson], before: Sequence[Sums], after: Sequence[Sums], confidence: float
    ) -> dict[str, Any]:
        """Held-out nats a token before and after, and the gain prompt by prompt, with intervals over prompts."""
        tokens, prompts = _tokens(lessons), [lesson.record.prompt_id for lesson in lessons]
        old, new = -_column(before), -_column(after)
        estimates = {
            "nll_before": estimate_ratio(old, tokens, prompts, confidence),
            "nll_after": estimate_ratio(new, tokens, prompts, confidence),
            "nll_gain": estimate_ratio(old - new, tokens, prompts, confidence),
        }
        return {
            **{name: asdict(estimate) for name, estimate in estimates.items()},
            "perplexity_before": asdict(_perplexity(estimates["nll_before"])),
            "perplexity_after": asdict(_perplexity(estimates["nll_after"])),
        }


def _column(sums: Sequence[Sums]) -> numpy.ndarray:
    return numpy.array([only for (only,) in sums], dtype=numpy.float64)


def _tokens(lessons: Sequence[Lesson]) -> numpy.ndarray:
    return numpy.array([lesson.tokens for lesson in lessons], dtype=numpy.float64)


def _perplexity(nll: Estimate) -> Estimate:
    """e to the power of nats a token; it is monotone, so that an interval's ends stay its ends."""
    value, low, high = (None if end is None else math.exp(end) for end in (nll.value, nll.low, nll.high))
    return replace(nll, value=value, low=low, high=high)
