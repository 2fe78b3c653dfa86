"""PURE: one completion and what is known about it, as the loss sees it."""

from collections.abc import Sequence

from rltrainer.algorithms.algorithm import Evidence
from rltrainer.records import Group, TrainingRow, flatten_completions


def make_row(
    group: Group,
    index: int,
    *,
    place: int,
    evidence: Evidence,
    advantages: tuple[float, ...],
    mask_truncated: bool,
    returns: tuple[float, ...] | None = None,
) -> TrainingRow:
    """The row of a group's completion; `place` is its number among all completions of the step.

    A completion of an older policy carries its sampler's log-probs as the old ones: nobody else knows them any more.
    """
    completion = group.completions[index]
    reference, values = evidence.reference_log_probs, evidence.values
    return TrainingRow(
        prompt_ids=group.prompt.token_ids,
        completion_ids=completion.token_ids,
        advantages=advantages,
        sampler_log_probs=completion.log_probs,
        reference_log_probs=None if reference is None else reference[place],
        old_log_probs=None if group.policy_version == evidence.policy_version else completion.log_probs,
        values=None if values is None else values[place],
        returns=returns,
        counted=not (mask_truncated and completion.finish_reason == "length"),
    )


def token_distances(groups: Sequence[Group], evidence: Evidence) -> list[tuple[float, ...]]:
    """k1 of each sampled token: how much likelier it was to the sampler than to the reference, nats.

    Raises: ValueError where the reference's log-probs are not known.
    """
    if evidence.reference_log_probs is None:
        raise ValueError("a price on distance needs the reference's log-probs")
    members = flatten_completions(groups)
    return [
        tuple(own - other for own, other in zip(group.completions[index].log_probs, reference, strict=True))
        for (group, index), reference in zip(members, evidence.reference_log_probs, strict=True)
    ]


def summed_distances(groups: Sequence[Group], evidence: Evidence) -> list[float]:
    """k1 of each completion, nats: the sum over its tokens."""
    return [sum(distances) for distances in token_distances(groups, evidence)]
