"""Rewards for answers that can be checked: a number, a choice, a pattern."""

import re
from collections.abc import Sequence

from rewardmodel.records import DataError, PromptRecord
from rltrainer.rewards.answer import Answer, RewardPart
from rltrainer.rewards.choices import final_choice, read_choices
from rltrainer.rewards.sections import section_text
from rltrainer.rewards.time_limit import TooSlow, time_limit
from rltrainer.rewards.written_numbers import last_number, parse_number

PATTERN_SECONDS = 5.0
"""A pattern that searches longer in one response is taken for one that never ends."""


def exact_number(*, section: str | None = None) -> RewardPart:
    """1 where the last number of the answer (of its `section`) is exactly the prompt's `metadata.answer`, else 0.

    A number in a `\\boxed{}` goes before the last one.
    """

    def score(answers: Sequence[Answer]) -> list[float]:
        found = [last_number(section_text(answer.text, section) or "") for answer in answers]
        wanted = [parse_number(answer.prompt.metadata["answer"]) for answer in answers]
        return [float(number == right) for number, right in zip(found, wanted, strict=True)]

    return score


def exact_choice(*, section: str | None = None) -> RewardPart:
    """1 where the answer (its `section`) settles on the letter in the prompt's `metadata.answer`, else 0.

    An answer may also name the option's text, where `metadata.choices` lists the options.
    """

    def score(answers: Sequence[Answer]) -> list[float]:
        values = []
        for answer in answers:
            right, options = read_choices(answer.prompt.metadata)
            values.append(float(final_choice(section_text(answer.text, section) or "", options) == right))
        return values

    return score


def matches(*, pattern: str | None, section: str | None = None) -> RewardPart:
    """1 where the pattern, or else the prompt's `metadata.pattern`, is found in the answer (in its `section`), else 0.

    The part raises DataError where a search does not end.
    """

    def score(answers: Sequence[Answer]) -> list[float]:
        return [
            float(_is_found(_pattern_of(answer.prompt, pattern), section_text(answer.text, section), answer.prompt))
            for answer in answers
        ]

    return score


def parse_pattern(value: object) -> re.Pattern[str]:
    """A pattern out of metadata. Raises: ValueError where it is no regular expression."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"expected a regular expression, got {value!r}")
    try:
        return re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"is no regular expression: {error}") from error


def _pattern_of(prompt: PromptRecord, pattern: str | None) -> re.Pattern[str]:
    return parse_pattern(prompt.metadata["pattern"] if pattern is None else pattern)


def _is_found(pattern: re.Pattern[str], text: str | None, prompt: PromptRecord) -> bool:
    if text is None:
        return False
    try:
        with time_limit(PATTERN_SECONDS):
            return pattern.search(text) is not None
    except TooSlow as error:
        message = f"the pattern {pattern.pattern!r} {error} on a response of {len(text)} characters"
        advice = "avoid one repetition inside another, as in (a+)+"
        raise DataError(f"prompt {prompt.prompt_id}: {message}; {advice}") from error
