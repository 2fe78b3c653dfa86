"""PURE. What one annotator said when ranking: tiers, the line below which nothing is acceptable, and remarks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from annotation.kinds.criteria import CriterionSpec, Scores, criterion_names, read_scores
from annotation.kinds.faults import FaultList, refuse_unknown_keys
from annotation.kinds.fields import name_type, read_active_ms, read_confidence, read_rationale, read_rationales
from annotation.kinds.ranking.tiers import Tiers, read_placement, read_strength

FEWEST_RESPONSES = 2
MOST_RESPONSES = 9
ANSWER_KEYS = ("tiers", "bad", "unranked", "strength", "scores", "rationale", "rationales", "confidence", "active_ms")


@dataclass(frozen=True, slots=True)
class RankingAnswer:
    """A checked ranking of one task's responses."""

    kind: ClassVar[str] = "ranking"

    tiers: Tiers
    """Response keys, best tier first; the responses of one tier are tied."""
    bad: tuple[str, ...] = ()
    """Responses below the "bad" line, in tier order: the members of the last tiers, whole tiers only."""
    unranked: tuple[str, ...] = ()
    """Responses that the annotator left out; nothing follows from them."""
    strength: tuple[int | None, ...] | None = None
    """One step per gap between neighbouring tiers (1 slightly, 2 clearly, 3 much); None where not asked."""
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
            "tiers": [list(tier) for tier in self.tiers],
            "bad": list(self.bad),
            "unranked": list(self.unranked),
            "strength": None if self.strength is None else list(self.strength),
            "scores": {name: dict(by_response) for name, by_response in self.scores.items()},
            "rationale": self.rationale,
            "rationales": dict(self.rationales),
            "confidence": self.confidence,
            "active_ms": self.active_ms,
        }


def parse_answer(
    mapping: object, *, response_keys: Sequence[str], criteria: Sequence[CriterionSpec] | None
) -> RankingAnswer:
    """The ranking in a mapping of JSON values, checked.

    response_keys: the task's responses; each must stand exactly once in `tiers` or in `unranked`.
    criteria: the project's scales, or None where they aren't known yet (see `read_scores`).
    Raises: AnswerError with every fault by field.
    """
    faults = FaultList()
    if not isinstance(mapping, Mapping):
        faults.add(f"expected an object, got {name_type(mapping)}", "answer")
        mapping = {}
    else:
        refuse_unknown_keys(mapping, ANSWER_KEYS, faults)
    answer = _read_answer(mapping, faults, response_keys, criteria)
    faults.raise_if_any()
    return answer


def _read_answer(
    mapping: Mapping[str, object],
    faults: FaultList,
    response_keys: Sequence[str],
    criteria: Sequence[CriterionSpec] | None,
) -> RankingAnswer:
    tiers, bad, unranked = read_placement(mapping, faults, response_keys)
    return RankingAnswer(
        tiers=tiers,
        bad=bad,
        unranked=unranked,
        strength=read_strength(mapping.get("strength"), faults.at("strength"), gaps=max(len(tiers) - 1, 0)),
        scores=read_scores(mapping.get("scores"), faults.at("scores"), response_keys=response_keys, criteria=criteria),
        rationale=read_rationale(mapping.get("rationale"), faults.at("rationale")),
        rationales=read_rationales(
            mapping.get("rationales"), faults.at("rationales"), criteria=criterion_names(criteria)
        ),
        confidence=read_confidence(mapping.get("confidence"), faults.at("confidence")),
        active_ms=read_active_ms(mapping.get("active_ms"), faults.at("active_ms")),
    )


def from_mapping(mapping: Mapping[str, Any]) -> RankingAnswer:
    """The answer that `as_mapping` was made from; for rows we stored, so nothing is checked again."""
    strength = mapping["strength"]
    return RankingAnswer(
        tiers=tuple(tuple(tier) for tier in mapping["tiers"]),
        bad=tuple(mapping["bad"]),
        unranked=tuple(mapping["unranked"]),
        strength=None if strength is None else tuple(strength),
        scores=mapping["scores"],
        rationale=mapping["rationale"],
        rationales=mapping.get("rationales", {}),
        confidence=mapping["confidence"],
        active_ms=mapping["active_ms"],
    )
