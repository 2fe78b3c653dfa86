"""Preference records as token ids with their training targets."""

from collections.abc import Sequence
from dataclasses import dataclass

from rewardmodel.config import LossConfig
from rewardmodel.records import DataError, PreferenceRecord
from rewardmodel.runtime.rendering import Renderer
from rewardmodel.targets import smooth, soft_target


@dataclass(frozen=True, slots=True)
class EncodedPair:
    """One preference, ready for the network."""

    record: PreferenceRecord
    """Where it comes from."""
    chosen_ids: tuple[int, ...]
    """Prompt and chosen response."""
    rejected_ids: tuple[int, ...]
    """Prompt and rejected response."""
    truncated_rows: int
    """How many of the two lost tokens at the front."""

    @property
    def lengths(self) -> tuple[int, int]:
        """Tokens of the chosen and the rejected sequence."""
        return len(self.chosen_ids), len(self.rejected_ids)


@dataclass(frozen=True, slots=True)
class Objective:
    """What the loss wants of one pair."""

    target: float
    """Probability that the chosen response is better."""
    margin: float
    """Least score difference."""
    weight: float
    """Weight in the mean."""


def encode_pairs(
    records: Sequence[PreferenceRecord], renderer: Renderer, *, max_length_tokens: int
) -> list[EncodedPair]:
    """Every record as token ids, in order."""
    return [_encode(record, renderer, max_length_tokens) for record in records]


def make_objective(record: PreferenceRecord, config: LossConfig) -> Objective:
    """Target, margin and weight of one record under the loss configuration."""
    soft = config.target == "votes"
    target = soft_target(record, prior=config.vote_prior) if soft else 1.0
    margin = record.margin if config.use_margins and not soft else 0.0
    return Objective(smooth(target, label_smoothing=config.label_smoothing), margin, record.weight)


def check_splits(train: Sequence[PreferenceRecord], held_out: Sequence[PreferenceRecord]) -> None:
    """Raises: DataError where a split is empty or a prompt is in both."""
    for name, records in (("data.train", train), ("data.eval", held_out)):
        if not records:
            raise DataError(f"{name}: the file has no records; a run needs at least one pair there")
        _check_ids(name, records)
    shared = {record.prompt_id for record in train} & {record.prompt_id for record in held_out}
    if shared:
        example = sorted(shared)[0]
        raise DataError(
            f"prompt_id: {len(shared)} prompts, for instance {example!r}, are in both data.train and data.eval; "
            "split by prompt, or the accuracy says nothing"
        )


def _check_ids(name: str, records: Sequence[PreferenceRecord]) -> None:
    seen: set[str] = set()
    for record in records:
        if record.id in seen:
            raise DataError(f"{name}: id {record.id!r} occurs twice; each record needs its own")
        seen.add(record.id)


def _encode(record: PreferenceRecord, renderer: Renderer, max_tokens: int) -> EncodedPair:
    chosen = renderer.render(record.prompt, record.chosen, max_tokens=max_tokens, prompt_id=record.prompt_id)
    rejected = renderer.render(record.prompt, record.rejected, max_tokens=max_tokens, prompt_id=record.prompt_id)
    return EncodedPair(record, chosen.token_ids, rejected.token_ids, chosen.truncated + rejected.truncated)
