"""PURE: from people's votes on a pair to the probability that a reward model should give it."""

from rewardmodel.records import PreferenceRecord, Votes


def vote_probability(votes: Votes, *, prior: float) -> float:
    """Probability that the chosen response is the better one, given the votes; 1 where no votes are known.

    A tie counts half for either side; `prior` votes are added to both sides.
    """
    total = votes.chosen + votes.rejected + votes.tie
    if total == 0:
        return 1.0
    return (votes.chosen + 0.5 * votes.tie + prior) / (total + 2 * prior)


def soft_target(record: PreferenceRecord, *, prior: float) -> float:
    """Probability that the chosen response is the better one: as stated, else from the votes."""
    return vote_probability(record.votes, prior=prior) if record.preference is None else record.preference


def smooth(probability: float, *, label_smoothing: float) -> float:
    """The probability if a share `label_smoothing` of labels is turned round."""
    return (1 - label_smoothing) * probability + label_smoothing * (1 - probability)
