"""A planted gold reward, and a proxy for it that was fitted to few noisy labels: what a reward model is to people.

Gold wants many different letters. Answers of an untrained model hardly repeat themselves, so that their labels say
only which letters are good; a proxy fitted to them pays for the same letter again and again.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy

from rewardmodel.runtime.backbones import load_causal_model, load_tokenizer
from rewardmodel.runtime.rendering import Renderer
from rltrainer.records import EncodedPrompt
from rltrainer.rewards.answer import Answer, Measured
from rltrainer.rollouts.batched_sampler import BatchedSampler
from rltrainer.rollouts.collecting import collect_groups
from rltrainer.rollouts.engine import SamplingRules

LETTERS = frozenset(ascii_lowercase + " ")
MAX_NEW_TOKENS = 16
FITTED_PER_PROMPT = 20
LABEL_NOISE = 0.05
MEMBERS = 5


def gold(answers: Sequence[Mapping[str, Any]]) -> list[float]:
    """How many different letters an answer has, a token."""
    return [len(LETTERS & set(answer["response"])) / answer["tokens"] for answer in answers]


class FittedProxy:
    """The mean of linear models of how often each byte occurs, each fitted to its own draw of the labels."""

    def __init__(self, texts: Sequence[str], labels: numpy.ndarray) -> None:
        generator = numpy.random.default_rng(0)
        counts = _count_bytes(texts)
        draws = [generator.integers(0, len(labels), len(labels)) for _ in range(MEMBERS)]
        self.members = [_fit(counts[draw], labels[draw]) for draw in draws]

    def measure(self, answers: Sequence[Answer]) -> Measured:
        """Mean and deviation of the members' scores."""
        counts = _count_bytes([answer.text for answer in answers])
        scores = numpy.stack([counts @ member for member in self.members])
        return Measured(scores.mean(axis=0).tolist(), deviations=scores.std(axis=0, ddof=1).tolist())

    def __call__(self, answers: Sequence[Answer]) -> list[float]:
        return self.measure(answers).values


def fit_proxy(base: Path, prompts: Sequence[EncodedPrompt], *, seed: int) -> FittedProxy:
    """A proxy fitted to noisy gold labels of answers that the untrained model gives."""
    model = load_causal_model(base)
    renderer = Renderer(load_tokenizer(base), model.generation_config)
    groups = collect_groups(
        prompts,
        engine=BatchedSampler(model, batch_rows=64),
        renderer=renderer,
        rules=SamplingRules(MAX_NEW_TOKENS, renderer.stop_ids),
        group_size=FITTED_PER_PROMPT,
        seed=seed,
        purpose="labels",
        policy_version=0,
    )
    answers = [
        {"response": text, "tokens": len(completion.token_ids)}
        for group in groups
        for text, completion in zip(group.texts, group.completions, strict=True)
    ]
    labels = numpy.array(gold(answers))
    noise = numpy.random.default_rng(seed).normal(0, LABEL_NOISE, len(labels))
    return FittedProxy([str(answer["response"]) for answer in answers], labels + noise)


def _count_bytes(texts: Sequence[str]) -> numpy.ndarray:
    """[texts, 257]: how often each byte occurs, and a constant."""
    counts = numpy.zeros((len(texts), 257))
    counts[:, 256] = 1
    for row, text in enumerate(texts):
        numpy.add.at(counts[row], list(text.encode(errors="replace")), 1)
    return counts


def _fit(counts: numpy.ndarray, labels: numpy.ndarray) -> numpy.ndarray:
    """Ridge regression with a penalty of 1."""
    return numpy.linalg.solve(counts.T @ counts + numpy.eye(counts.shape[1]), counts.T @ labels)
