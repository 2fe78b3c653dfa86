"""Groups: the completions of a prompt are each other's baseline (`grpo`, `rloo`, `dapo`)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from rltrainer.advantages import group_advantages
from rltrainer.algorithms.algorithm import Evidence
from rltrainer.algorithms.rows import make_row, summed_distances
from rltrainer.config_learning import AdvantageConfig, KLConfig, LossConfig
from rltrainer.records import Group, TrainingBatch, flatten_completions
from rltrainer.tally import Tally


class GroupRelative:
    """Source: Shao et al. 2024 (arXiv:2402.03300); the scales by their papers in `advantages`."""

    def __init__(self, *, advantage: AdvantageConfig, kl: KLConfig, loss: LossConfig) -> None:
        self.advantage = advantage
        self.kl = kl
        self.loss = loss

    def prepare(self, groups: Sequence[Group], evidence: Evidence, tally: Tally) -> TrainingBatch:
        """Rows with the advantage of their completion at every token; groups have the same number of completions."""
        rewards = torch.tensor([group.rewards for group in groups], dtype=torch.float64)
        if self.kl.place == "reward" and evidence.kl_coefficient:
            distances = torch.tensor(summed_distances(groups, evidence), dtype=torch.float64)
            rewards = rewards - evidence.kl_coefficient * distances.view_as(rewards)
        advantages = group_advantages(rewards, scale=self.advantage.scale)
        _tally_advantages(advantages, tally)
        flat = advantages.flatten().tolist()
        rows = [
            make_row(
                group,
                index,
                place=place,
                evidence=evidence,
                advantages=(flat[place],) * len(group.completions[index].token_ids),
                mask_truncated=self.loss.mask_truncated,
            )
            for place, (group, index) in enumerate(flatten_completions(groups))
        ]
        return TrainingBatch(tuple(rows), evidence.policy_version)


def _tally_advantages(advantages: Tensor, tally: Tally) -> None:
    tally.add_mean("advantage_mean", advantages)
    tally.add_sum("advantage_std", float(advantages.std()))
    tally.add_extremes("advantage", advantages)
