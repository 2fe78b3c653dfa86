"""The report on a reward model: its accuracy beside what length alone and what people reach."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy

from rewardmodel.config import EvaluationConfig
from rewardmodel.data import EncodedPair
from rewardmodel.metrics import (
    JudgedPairs,
    accuracy,
    accuracy_by_agreement,
    brier,
    calibration_error,
    correlation,
    human_ceiling,
    negative_log_likelihood,
)
from rewardmodel.network import Reading, RewardNetwork, read_sequences
from rewardmodel.runtime.cancellation import StopCheck, never_stop
from rewardmodel.runtime.faults import Diverged

Scores = tuple[numpy.ndarray, numpy.ndarray]


def score_pairs(
    network: RewardNetwork,
    pairs: Sequence[EncodedPair],
    *,
    pad_id: int,
    batch_tokens: int,
    check: StopCheck = never_stop,
) -> Scores:
    """Raw scores of the chosen and of the rejected responses, [pairs]. Raises: Diverged where one is not finite."""
    reading = read_finite(
        network, list_sides(pairs), of="held-out", pad_id=pad_id, batch_tokens=batch_tokens, check=check, keep=()
    )
    return split_sides(reading.scores)


def read_finite(
    network: RewardNetwork,
    sequences: Sequence[tuple[int, ...]],
    *,
    of: str,
    pad_id: int,
    batch_tokens: int,
    check: StopCheck = never_stop,
    keep: Sequence[int] | None = None,
) -> Reading:
    """As `read_sequences`. Raises: Diverged where a score is not finite, `of` saying which sequences these are."""
    reading = read_sequences(network, sequences, pad_id=pad_id, batch_tokens=batch_tokens, check=check, keep=keep)
    lost = int((~numpy.isfinite(reading.scores)).sum())
    if lost:
        raise Diverged(f"{lost} of {len(sequences)} {of} scores are not finite")
    return reading


def list_sides(pairs: Sequence[EncodedPair]) -> list[tuple[int, ...]]:
    """Token ids of chosen and rejected responses by turns [2 pairs]."""
    return [ids for pair in pairs for ids in (pair.chosen_ids, pair.rejected_ids)]


def split_sides(values: numpy.ndarray) -> Scores:
    """Values [2 pairs] of responses in that order: of the chosen and of the rejected ones."""
    return values[0::2], values[1::2]


def build_report(pairs: Sequence[EncodedPair], scores: Scores, config: EvaluationConfig) -> dict[str, Any]:
    """The part of `result.json` that judges the model."""
    confidence = config.confidence
    judged = _judge(pairs, scores)
    return {
        "accuracy": asdict(accuracy(judged.difference, judged.prompts, confidence)),
        "longer_wins": _longer_wins(pairs, judged, confidence),
        "human_ceiling": asdict(human_ceiling(judged, confidence)),
        "nll": negative_log_likelihood(judged.difference),
        "brier": brier(judged.difference),
        "ece": calibration_error(judged.difference),
        "length_correlation": correlation(numpy.concatenate(scores), numpy.concatenate(_characters(pairs))),
        "by_agreement": accuracy_by_agreement(judged, confidence),
        "confidence": confidence,
    }


def _judge(pairs: Sequence[EncodedPair], scores: Scores) -> JudgedPairs:
    votes = [pair.record.votes for pair in pairs]
    return JudgedPairs(
        prompts=[pair.record.prompt_id for pair in pairs],
        chosen_scores=scores[0],
        rejected_scores=scores[1],
        chosen_votes=numpy.array([vote.chosen for vote in votes]),
        rejected_votes=numpy.array([vote.rejected for vote in votes]),
        tie_votes=numpy.array([vote.tie for vote in votes]),
    )


def _longer_wins(pairs: Sequence[EncodedPair], judged: JudgedPairs, confidence: float) -> dict[str, Any]:
    """What a model would reach that always prefers the longer response: by characters, and by tokens."""
    chosen, rejected = _characters(pairs)
    tokens = numpy.array([pair.lengths for pair in pairs], dtype=numpy.float64)
    by_tokens = accuracy(tokens[:, 0] - tokens[:, 1], judged.prompts, confidence)
    return {**asdict(accuracy(chosen - rejected, judged.prompts, confidence)), "tokens": asdict(by_tokens)}


def _characters(pairs: Sequence[EncodedPair]) -> Scores:
    lengths = numpy.array([(len(pair.record.chosen), len(pair.record.rejected)) for pair in pairs], dtype=numpy.float64)
    return lengths[:, 0], lengths[:, 1]
