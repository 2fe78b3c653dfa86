"""PURE. What one annotator said when scoring: a number, or "not applicable", per criterion and response."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from annotation.kinds.criteria import CriterionSpec, Scores, criterion_names, read_scores
from annotation.kinds.faults import FaultList, refuse_unknown_keys
from annotation.kinds.fields import name_type, read_active_ms, read_confidence, read_rationale, read_rationales
from annotation.kinds.preference import PreferencePair

MOST_RESPONSES = 26
ANSWER_KEYS = ("scores", "rationale", "rationales", "confidence", "active_ms")


@dataclass(frozen=True, slots=True)
class ScalarAnswer:
    """Checked scores. A task has one response; a line of a file may carry several, one task each later."""

    kind: ClassVar[str] = "scalar"

    scores: Scores = field(default_factory=dict)
    """{criterion: {response: number, or None for "not applicable"}}."""
    rationale: str = ""
    rationales: dict[str, str] = field(default_factory=dict)
    """Reasons for single scores: {criterion: text}."""
    confidence: int | None = None
    active_ms: int | None = None

    def as_mapping(self) -> dict[str, Any]:
        """The answer as JSON values; `parse_answer` of it gives the same answer again."""
        return {
            "scores": {name: dict(by_response) for name, by_response in self.scores.items()},
            "rationale": self.rationale,
            "rationales": dict(self.rationales),
            "confidence": self.confidence,
            "active_ms": self.active_ms,
        }


def parse_answer(
    mapping: object, *, response_keys: Sequence[str], criteria: Sequence[CriterionSpec] | None
) -> ScalarAnswer:
    """The scores in a mapping of JSON values, checked against their scales.

    criteria: the project's scales, or None where they aren't known yet (see `read_scores`).
    Raises: AnswerError with every fault by field; silence is refused, "not applicable" is an answer.
    """
    faults = FaultList()
    if not isinstance(mapping, Mapping):
        faults.add(f"expected an object, got {name_type(mapping)}", "answer")
        mapping = {}
    else:
        refuse_unknown_keys(mapping, ANSWER_KEYS, faults)
    scores = read_scores(mapping.get("scores"), faults.at("scores"), response_keys=response_keys, criteria=criteria)
    if not faults.faults and not scores:
        faults.add("nothing is scored; give at least one score", "scores")
    answer = ScalarAnswer(
        scores=scores,
        rationale=read_rationale(mapping.get("rationale"), faults.at("rationale")),
        rationales=read_rationales(
            mapping.get("rationales"), faults.at("rationales"), criteria=criterion_names(criteria)
        ),
        confidence=read_confidence(mapping.get("confidence"), faults.at("confidence")),
        active_ms=read_active_ms(mapping.get("active_ms"), faults.at("active_ms")),
    )
    faults.raise_if_any()
    return answer


def from_mapping(mapping: Mapping[str, Any]) -> ScalarAnswer:
    """The answer that `as_mapping` was made from; for rows we stored, so nothing is checked again."""
    return ScalarAnswer(**mapping)


def select_response(answer: ScalarAnswer, key: str) -> ScalarAnswer | None:
    """What the answer says about one response, or None where it doesn't speak of that response."""
    scores = {name: {key: by_response[key]} for name, by_response in answer.scores.items() if key in by_response}
    return replace(answer, scores=scores) if scores else None


def to_preferences(answer: ScalarAnswer) -> list[PreferencePair]:
    """No pairs: each response is scored in a task of its own.

    Two scores of different tasks were given at different times against nothing but the scale, and preferences made
    from such scores disagree with rankings of the same responses (Bansal et al. 2023, arXiv:2308.15812). A trainer
    that wants them must ask for them by name and mark them `derived_from: scalar`.
    """
    return []
