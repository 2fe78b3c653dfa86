"""Groups of completions that people have scored, as a run directory carries them. Standard library only."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rewardmodel.config_parsing import ConfigError, parse_dataclass
from rewardmodel.records import DataError, PromptRecord, parse_prompt, read_records

PROMPT_KEYS = ("prompt_id", "prompt", "metadata")


@dataclass(frozen=True, slots=True)
class JudgedCompletion:
    """One completion as it was sampled, and what people make of it."""

    token_ids: tuple[int, ...]
    """Sampled tokens, the stop token included."""
    log_probs: tuple[float, ...]
    """The sampler's log-probability of each, nats, after division by the temperature."""
    finish_reason: Literal["stop", "length"]
    """`stop`: ended by a stop token; `length`: cut off."""
    score: float
    """People's score; `scores_of_tiers` gives those of a ranking."""
    seed: int = 0
    """Seed of the completion's own random numbers."""

    def validate(self) -> Iterator[str]:
        """Faults of a completion that no sampler gives."""
        if not self.token_ids:
            yield "token_ids: is empty"
        if any(token < 0 for token in self.token_ids):
            yield "token_ids: a token is negative"
        if len(self.log_probs) != len(self.token_ids):
            yield f"log_probs: {len(self.log_probs)} of them for {len(self.token_ids)} tokens"
        if any(value > 0 for value in self.log_probs):
            yield "log_probs: one is above 0; it is the logarithm of a probability that is wanted"


@dataclass(frozen=True, slots=True)
class _Rest:
    """What a line says besides the prompt."""

    temperature: float
    completions: tuple[JudgedCompletion, ...]


@dataclass(frozen=True, slots=True)
class JudgedRecord:
    """All completions of one prompt, with people's scores."""

    prompt: PromptRecord
    """What was asked."""
    temperature: float
    """By what the logits were divided when they were sampled."""
    completions: tuple[JudgedCompletion, ...]
    """The answers."""


def read_judged_groups(path: Path) -> list[JudgedRecord]:
    """All groups of a file. Raises: DataError naming the line and field."""
    return list(read_records(path, parse_judged_group))


def parse_judged_group(row: Mapping[str, Any]) -> JudgedRecord:
    """A group from its JSON object. Raises: DataError naming the field."""
    prompt = parse_prompt({key: row[key] for key in PROMPT_KEYS if key in row})
    try:
        rest = parse_dataclass(_Rest, {key: value for key, value in row.items() if key not in PROMPT_KEYS})
    except ConfigError as error:
        raise DataError("; ".join(error.faults)) from error
    return JudgedRecord(prompt, rest.temperature, rest.completions)


def judged_group(
    prompt: PromptRecord, responses: Sequence[Mapping[str, Any]], scores: Mapping[int, float], *, temperature: float
) -> dict[str, Any]:
    """The line of a groups file from a prompt's lines of a sample run's `responses.jsonl` and people's scores of them.

    scores: by number of the sample; responses without one are left out.
    Raises: DataError where the run kept no log-probs (`sampling.keep_log_probs`) or nobody judged a response.
    """
    judged = [response for response in responses if response["sample"] in scores]
    if not judged:
        raise DataError(f"prompt {prompt.prompt_id}: none of its responses has been judged")
    if any("log_probs" not in response for response in judged):
        raise DataError(f"prompt {prompt.prompt_id}: sampled without log-probs; sample with sampling.keep_log_probs")
    kept = ("token_ids", "log_probs", "finish_reason", "seed")
    completions = [
        {**{key: response[key] for key in kept}, "score": scores[response["sample"]]}
        for response in sorted(judged, key=lambda response: int(response["sample"]))
    ]
    asked = {"prompt_id": prompt.prompt_id, "prompt": list(prompt.prompt), "metadata": dict(prompt.metadata)}
    return {**asked, "temperature": temperature, "completions": completions}


def scores_of_tiers(tiers: Sequence[Sequence[int]]) -> dict[int, float]:
    """The score of each member of a ranking in tiers, best first: evenly from 1 for the best to -1 for the worst.

    Members of one tier share the mean of their places; all of a single tier have 0. The scores sum up to 0.
    """
    count = sum(map(len, tiers))
    scores: dict[int, float] = {}
    above = 0
    for tier in tiers:
        place = above + (len(tier) - 1) / 2
        scores.update(dict.fromkeys(tier, 1 - 2 * place / (count - 1) if count > 1 else 0.0))
        above += len(tier)
    if len(scores) != count:
        raise ValueError("a member stands in two tiers")
    return scores


def is_same_temperature(first: float, second: float) -> bool:
    """Whether two temperatures are the same but for how they were written."""
    return math.isclose(first, second, rel_tol=1e-6)
