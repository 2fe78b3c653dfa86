"""The section `reward` of a policy run's config. Standard library only."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rltrainer.config_checks import above, at_least, within

TASKS = (
    "model_weight", "function_weight", "judged_weight", "number_weight", "choice_weight", "pattern_weight",
    "instructions_weight", "format_weight", "brevity_weight", "length_weight",
)  # fmt: skip
"""Weights of parts that a run can be about; the others only shape."""


@dataclass(frozen=True, slots=True)
class RewardConfig:
    """What is rewarded: the weighted sum of the parts whose weight is not 0."""

    model: str | None = None
    """Folder of a reward model, or null for none."""
    ensemble: tuple[str, ...] = ()
    """Folders of further reward models, trained apart from `model`: all score, and where they differ less is given."""
    ensemble_rule: Literal["mean_minus_std", "min"] = "mean_minus_std"
    """What several models say together: their mean less `ensemble_penalty` deviations, or the lowest of them."""
    ensemble_penalty: float = 0.5
    """Deviations among the models that are taken off their mean."""
    model_weight: float = 1.0
    """Weight of the reward model's normalised score."""
    model_clip: float = 10.0
    """The score is held within plus and minus this before it is weighted."""
    judged_weight: float = 1.0
    """Weight of people's scores of the given groups; acts with `rollout.source` `judged` alone."""
    function: str | None = None
    """Import path `package.module:name` of a Python function that gives a number for each answer, or null for none."""
    function_weight: float = 1.0
    """Weight of what the function gives."""
    watched_function: str | None = None
    """Import path of a function whose values are logged as `reward_watched` and reward nothing: a second opinion that
    the policy cannot please. Null for none."""
    number_weight: float = 0.0
    """Weight of 1 for a completion whose last (or boxed) number is exactly the prompt's `metadata.answer`, else 0."""
    choice_weight: float = 0.0
    """Weight of 1 for a completion that settles on the letter in the prompt's `metadata.answer`, else 0."""
    pattern_weight: float = 0.0
    """Weight of 1 for a completion in which `pattern` is found, else 0."""
    pattern: str | None = None
    """Regular expression; null takes each prompt's own `metadata.pattern`."""
    instructions_weight: float = 0.0
    """Weight of how far a completion follows the checks in the prompt's `metadata.instructions`."""
    instructions_rule: Literal["share", "all"] = "share"
    """`share`: the share of checks that hold; `all`: 1 only where every one does."""
    format_weight: float = 0.0
    """Weight of 1 for a completion made of `format_sections` and nothing else, else 0."""
    format_sections: tuple[str, ...] = ("think", "answer")
    """Names of the tags, in order, each with text inside: `<think>…</think><answer>…</answer>`."""
    answer_section: str | None = None
    """Name of the tag in which number, choice and pattern are looked for; without it there is no answer. Null looks
    everywhere."""
    brevity_weight: float = 0.0
    """Weight of minus the length, as a share of the longest completion."""
    length_weight: float = 0.0
    """Weight of minus the distance to `length_tokens`, as a share of it."""
    length_tokens: int | None = None
    """The wished length in tokens; needed where `length_weight` is not 0."""
    repetition_penalty: float = 0.0
    """Taken off a completion that only repeats itself; less repetition costs its share."""
    repetition_tokens: int = 3
    """Tokens of a run that counts as repeated when it occurs again."""
    overlong_factor: float = 0.0
    """Taken off a completion as long as allowed; over the last `overlong_tokens` the price rises evenly to that."""
    overlong_tokens: int | None = None
    """Tokens before the longest allowed from which length has a price; null for a fifth of the longest allowed."""
    unfinished_penalty: float = 0.0
    """Taken off where a completion ran into `max_new_tokens`."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields and of those that do not fit each other."""
        yield from above(self, "model_clip", 0)
        for name in ("unfinished_penalty", "repetition_penalty", "overlong_factor", "ensemble_penalty"):
            yield from at_least(self, name, 0)
        yield from within(self, "repetition_tokens", 1, 100)
        yield from self._faults_of_models()
        yield from self._faults_of_lengths()
        yield from self._faults_of_texts()
        yield from self._faults_of_idle_fields()

    def _faults_of_models(self) -> Iterator[str]:
        if self.ensemble and self.model is None:
            yield "ensemble: adds to reward.model, which is not given"
        named = [folder for folder in (self.model, *self.ensemble) if folder]
        if len(set(named)) < len(named):
            yield "ensemble: names a folder twice; a model always agrees with itself"
        for name in ("function", "watched_function"):
            location = getattr(self, name)
            if location is not None and not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", location):
                yield f"{name}: write it as package.module:name, not {location!r}"

    def _faults_of_lengths(self) -> Iterator[str]:
        if self.length_weight and (self.length_tokens is None or self.length_tokens < 1):
            yield "length_tokens: must be 1 or more where length_weight is not 0"
        if self.overlong_tokens is not None:
            yield from at_least(self, "overlong_tokens", 1)

    def _faults_of_texts(self) -> Iterator[str]:
        if self.number_weight and self.choice_weight:
            yield "choice_weight: the prompts' metadata.answer cannot be a number and a letter at once; drop one weight"
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except (re.error, RecursionError, OverflowError) as error:
                yield f"pattern: is no regular expression: {error}"
        tags = (*self.format_sections, *([] if self.answer_section is None else [self.answer_section]))
        yield from (f"format_sections: {tag!r} is no name of a tag" for tag in tags if not re.fullmatch(r"[\w-]+", tag))
        if len(set(self.format_sections)) < len(self.format_sections) or not self.format_sections:
            yield "format_sections: needs one name or more, each once"
        if self.format_weight and self.answer_section not in (None, *self.format_sections):
            known = ", ".join(self.format_sections)
            yield f"answer_section: '{self.answer_section}' is none of format_sections ({known})"

    def _faults_of_idle_fields(self) -> Iterator[str]:
        """Settings without effect, which somebody believes in."""
        if not self.length_weight and self.length_tokens is not None:
            yield "length_tokens: has no effect while length_weight is 0"
        if not self.overlong_factor and self.overlong_tokens is not None:
            yield "overlong_tokens: has no effect while overlong_factor is 0"
        sources = {"model_clip": "model", "ensemble_penalty": "ensemble", "function_weight": "function"}
        for name, source in sources.items():
            if not getattr(self, source) and getattr(self, name) != getattr(RewardConfig(), name):
                yield f"{name}: has no effect without {source}"
        if not self.pattern_weight and self.pattern is not None:
            yield "pattern: has no effect while pattern_weight is 0"
        looking = self.number_weight or self.choice_weight or self.pattern_weight
        if self.answer_section is not None and not looking:
            yield "answer_section: has no effect without a weight of number, choice or pattern"

    @property
    def is_learned(self) -> bool:
        """Whether a reward model's score is part of the task's reward."""
        return self.model is not None and self.model_weight != 0

    @property
    def is_doubted(self) -> bool:
        """Whether several reward models score, so that the reward comes with their deviation."""
        return self.is_learned and bool(self.ensemble)

    @property
    def lack_of_doubt(self) -> str:
        """What stands in the way of that, in words."""
        return "reward.model_weight is 0" if self.ensemble else "name further ones in reward.ensemble"

    def missing_source(self, *, judged: bool = False) -> Iterator[str]:
        """The fault of a run that rewards nothing; `judged` where people's scores come with the groups."""
        given = {"model_weight": self.model is not None, "function_weight": self.function is not None}
        given["judged_weight"] = judged
        if not any(getattr(self, name) and given.get(name, True) for name in TASKS):
            yield "reward: nothing is rewarded; name a reward.model or give a verifier a weight"

    def overlong_fault(self, max_new_tokens: int) -> Iterator[str]:
        """The fault of a price on length that begins before the first token."""
        if self.overlong_tokens is not None and self.overlong_tokens > max_new_tokens:
            yield f"reward.overlong_tokens: must not exceed the longest completion ({max_new_tokens})"
