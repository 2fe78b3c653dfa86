"""A critic: each token is compared with what the critic expected before it (`ppo`)."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from rltrainer.algorithms.algorithm import Evidence
from rltrainer.algorithms.rows import make_row, token_distances
from rltrainer.config_learning import GAEConfig, KLConfig, LossConfig
from rltrainer.gae import explained_variance, generalised_advantages, whiten
from rltrainer.layouts import Pair
from rltrainer.records import Completion, Group, TrainingBatch, flatten_completions
from rltrainer.tally import Tally


class ActorCritic:
    """Source: Ouyang et al. 2022 (arXiv:2203.02155) for the rewards of tokens; Schulman et al. 2017 (arXiv:1707.06347).

    A completion's reward stands at its last token, the price of distance at every token. All in float64.
    """

    def __init__(self, *, gae: GAEConfig, kl: KLConfig, loss: LossConfig) -> None:
        self.gae = gae
        self.kl = kl
        self.loss = loss

    def prepare(self, groups: Sequence[Group], evidence: Evidence, tally: Tally) -> TrainingBatch:
        """Rows with advantages and returns of their tokens.

        Raises: ValueError without the values of `value_pairs`, or without the reference where distance has a price.
        """
        if evidence.values is None:
            raise ValueError("advantages of tokens need the values of a critic")
        completions = [group.completions[index] for group, index in flatten_completions(groups)]
        lengths = [len(completion.token_ids) for completion in completions]
        known = replace(evidence, values=[own[:n] for own, n in zip(evidence.values, lengths, strict=True)])
        rewards, values = self.token_rewards(groups, evidence), _padded(known.values or ())
        mask = torch.arange(values.shape[1])[None] < torch.tensor(lengths)[:, None]
        raw = generalised_advantages(
            rewards,
            values,
            mask,
            discount=self.gae.discount,
            trace=self.gae.trace,
            last_values=torch.tensor([sum(own[n:]) for own, n in zip(evidence.values, lengths, strict=True)]),
        )
        counted = mask & torch.tensor([self._counts(completion) for completion in completions])[:, None]
        advantages = whiten(raw, counted) if self.gae.whiten else raw
        _tally_tokens(rewards, values, raw + values, advantages, counted, tally)
        return self._batch(groups, known, _ragged(advantages, lengths), _ragged(raw + values, lengths))

    def token_rewards(self, groups: Sequence[Group], evidence: Evidence) -> Tensor:
        """What each token earns, [completions, tokens] float64: the price of its distance, and the reward at the last.

        Raises: ValueError without the reference where distance has a price.
        """
        members = flatten_completions(groups)
        earned = [group.rewards[index] for group, index in members]
        if self.kl.place == "reward" and evidence.kl_coefficient:
            rows = [[-evidence.kl_coefficient * own for own in tokens] for tokens in token_distances(groups, evidence)]
        else:
            rows = [[0.0] * len(group.completions[index].token_ids) for group, index in members]
        for row, reward in zip(rows, earned, strict=True):
            row[-1] += reward
        return _padded(rows)

    def _batch(
        self,
        groups: Sequence[Group],
        evidence: Evidence,
        advantages: Sequence[tuple[float, ...]],
        returns: Sequence[tuple[float, ...]],
    ) -> TrainingBatch:
        rows = [
            make_row(
                group,
                index,
                place=place,
                evidence=evidence,
                advantages=advantages[place],
                returns=returns[place],
                mask_truncated=self.loss.mask_truncated,
            )
            for place, (group, index) in enumerate(flatten_completions(groups))
        ]
        return TrainingBatch(tuple(rows), evidence.policy_version)

    def _counts(self, completion: Completion) -> bool:
        return not (self.loss.mask_truncated and completion.finish_reason == "length")


def value_pairs(groups: Sequence[Group], *, bootstrap_truncated: bool) -> list[Pair]:
    """What a critic is asked about, in the order of completions: it gives a value before each token.

    bootstrap_truncated: a completion that was cut off has one token more, whose value is that of what would follow;
    which token, makes no difference to it.
    """
    pairs: list[Pair] = []
    for group, index in flatten_completions(groups):
        completion = group.completions[index]
        goes_on = bootstrap_truncated and completion.finish_reason == "length"
        pairs.append((group.prompt.token_ids, completion.token_ids + completion.token_ids[-1:] * goes_on))
    return pairs


def _padded(rows: Sequence[Sequence[float]]) -> Tensor:
    """[rows, tokens] float64, 0 behind the shorter ones."""
    return pad_sequence([torch.tensor(row, dtype=torch.float64) for row in rows], batch_first=True)


def _ragged(values: Tensor, lengths: Sequence[int]) -> list[tuple[float, ...]]:
    return [tuple(row[:length]) for row, length in zip(values.tolist(), lengths, strict=True)]


def _tally_tokens(
    rewards: Tensor, values: Tensor, returns: Tensor, advantages: Tensor, counted: Tensor, tally: Tally
) -> None:
    tally.add_mean("reward_after_kl", rewards.sum(dim=1))
    tally.add_mean("value_mean", values, counted)
    tally.add_mean("return_mean", returns, counted)
    tally.add_mean("advantage_mean", advantages, counted)
    tally.add_extremes("advantage", advantages, counted)
    if int(counted.sum()) > 1:
        tally.add_mean("advantage_std", advantages[counted].std()[None])
        tally.add_mean("return_std", returns[counted].std()[None])
    explained = explained_variance(values, returns, counted)
    if explained is not None:
        tally.add_mean("explained_variance", torch.tensor([explained], dtype=torch.float64))
