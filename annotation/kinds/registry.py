"""PURE. The feedback kinds by name."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from annotation.kinds import ranking, scalar
from annotation.kinds.criteria import CriterionSpec
from annotation.kinds.preference import PreferencePair

Answer: TypeAlias = ranking.RankingAnswer | scalar.ScalarAnswer

KINDS = {"ranking": ranking, "scalar": scalar}


def parse_answer(
    kind: str, mapping: object, *, response_keys: Sequence[str], criteria: Sequence[CriterionSpec] | None
) -> Answer:
    """The answer that a page, an API call or a file gave, checked.

    Raises: AnswerError with every fault by field; KeyError for a kind that doesn't exist.
    """
    return KINDS[kind].parse_answer(mapping, response_keys=response_keys, criteria=criteria)


def to_preferences(answer: Answer) -> list[PreferencePair]:
    """The pairs that follow from an answer of either kind."""
    return KINDS[answer.kind].to_preferences(answer)


def answer_from_mapping(kind: str, mapping: Mapping[str, object]) -> Answer:
    """An answer from what its own `as_mapping` gave; nothing is checked again."""
    return KINDS[kind].from_mapping(mapping)
