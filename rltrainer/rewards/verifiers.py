"""PURE: rewards that are computed from the answer alone."""

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from rltrainer.rewards.answer import Answer, RewardPart

_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")


def brevity(*, max_new_tokens: int) -> RewardPart:
    """Minus the length in tokens, as a share of the longest allowed: -1 for the longest, near 0 for the shortest."""
    return lambda answers: [-len(answer.completion.token_ids) / max_new_tokens for answer in answers]


def wished_length(*, tokens: int) -> RewardPart:
    """Minus the distance to a length in tokens, as a share of that length: 0 where it is met."""
    return lambda answers: [-abs(len(answer.completion.token_ids) - tokens) / tokens for answer in answers]


def unfinished(answers: Sequence[Answer]) -> list[float]:
    """1 for each answer that was cut off at the longest allowed, else 0."""
    return [float(answer.completion.finish_reason == "length") for answer in answers]


def exact_number(answers: Sequence[Answer]) -> list[float]:
    """1 where the last number of the answer equals the prompt's `metadata.answer`, else 0."""
    return [float(last_number(answer.text) == parse_number(answer.prompt.metadata["answer"])) for answer in answers]


def last_number(text: str) -> Decimal | None:
    """The last decimal number in a text; thousands may be parted by commas. None where there is none."""
    found = _NUMBER.findall(text)
    return Decimal(found[-1].replace(",", "")) if found else None


def parse_number(value: object) -> Decimal:
    """A number out of metadata, given as a number or as text. Raises: ValueError where it is neither."""
    try:
        number = Decimal(str(value).strip().replace(",", ""))
    except InvalidOperation:
        raise ValueError(f"expected a number, got {value!r}") from None
    if isinstance(value, bool) or not number.is_finite():
        raise ValueError(f"expected a number, got {value!r}")
    return number
