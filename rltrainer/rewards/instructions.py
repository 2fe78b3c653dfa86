"""Rewards for following what a prompt asks of its answer's form, in the manner of IFEval (arXiv:2311.07911)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rewardmodel.config_parsing import ConfigError, parse_dataclass
from rltrainer.rewards.answer import Answer, RewardPart
from rltrainer.rewards.instruction_checks import CHECKS
from rltrainer.rewards.text_counts import has_text


@dataclass(frozen=True, slots=True)
class Instruction:
    """One check with its arguments."""

    check: str
    """Its name."""
    arguments: Any
    """What it is held against."""

    def is_followed(self, text: str) -> bool:
        """Whether a text passes; an empty one passes nothing."""
        return has_text(text) and CHECKS[self.check][1](text, self.arguments)


def follows_instructions(*, rule: Literal["share", "all"]) -> RewardPart:
    """The share of the checks in the prompt's `metadata.instructions` that an answer passes; or 1 for all, else 0."""

    def score(answers: Sequence[Answer]) -> list[float]:
        values = []
        for answer in answers:
            instructions = parse_instructions(answer.prompt.metadata)
            passed = [instruction.is_followed(answer.text) for instruction in instructions]
            values.append(float(all(passed)) if rule == "all" else sum(passed) / len(passed))
        return values

    return score


def parse_instructions(metadata: Mapping[str, Any]) -> list[Instruction]:
    """The checks in a prompt's metadata. Raises: ValueError naming the check and what is wrong with it."""
    rows = metadata.get("instructions")
    if not isinstance(rows, list) or not rows:
        raise ValueError('metadata.instructions: expected a list of checks, as in [{"check": "words", "at_most": 50}]')
    return [_parse(row, f"metadata.instructions[{place}]") for place, row in enumerate(rows)]


def _parse(row: Any, place: str) -> Instruction:
    name = row.get("check") if isinstance(row, dict) else None
    if not isinstance(name, str) or name not in CHECKS:
        raise ValueError(f"{place}.check: there is no {name!r} (there are {', '.join(CHECKS)})")
    arguments = {key: value for key, value in row.items() if key != "check"}
    try:
        return Instruction(name, parse_dataclass(CHECKS[name][0], arguments, path=place))
    except ConfigError as error:
        raise ValueError("; ".join(error.faults)) from error
