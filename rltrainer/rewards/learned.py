"""The reward that was learned from people: one reward model, or several that check each other."""

from collections.abc import Sequence
from pathlib import Path

import numpy

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.cancellation import StopCheck, never_stop
from rewardmodel.runtime.device import ComputeDevice
from rewardmodel.runtime.faults import Diverged
from rewardmodel.scorer import EnsembleScorer, EnsembleScores
from rltrainer.config_reward import RewardConfig
from rltrainer.rewards.answer import Answer, Measured
from rltrainer.rewards.fast_scorer import FastScorer


def learned_reward(
    folders: Sequence[Path], config: RewardConfig, compute: ComputeDevice, *, check: StopCheck = never_stop
) -> "LearnedReward":
    """The normalised score of reward models, held within plus and minus `config.model_clip`.

    The part raises Diverged where a score is not a finite number. Raises: ConfigError where a folder holds no reward
    model.
    """
    members = [_load(folder, place, compute, check) for place, folder in enumerate(folders)]
    return LearnedReward(EnsembleScorer(members), config)


class LearnedReward:
    """What reward models say together, how far they differ, and how far answers lie from what they learned from."""

    def __init__(self, ensemble: EnsembleScorer, config: RewardConfig) -> None:
        self.ensemble = ensemble
        self.config = config

    @property
    def tells_distances(self) -> bool:
        """Whether a model was saved with the features of its training responses."""
        return any(member.familiarity is not None for member in self.ensemble.members)

    def measure(self, answers: Sequence[Answer]) -> Measured:
        """The trusted score of each answer; of several models their deviation; distances where they are told."""
        scores = self._score(answers)
        trusted = scores.trusted(rule=self.config.ensemble_rule, penalty=self.config.ensemble_penalty)
        limit, told = self.config.model_clip, scores.distances
        return Measured(
            values=[min(max(float(value), -limit), limit) for value in trusted],
            # A single model agrees with itself, which says nothing.
            deviations=scores.deviation.tolist() if len(self.ensemble.members) > 1 else [],
            distances=[] if told is None else told.typical.tolist(),
            unfamiliar=[] if told is None else told.unfamiliar.tolist(),
        )

    def __call__(self, answers: Sequence[Answer]) -> list[float]:
        """The trusted scores alone."""
        return self.measure(answers).values

    def _score(self, answers: Sequence[Answer]) -> EnsembleScores:
        scores = self.ensemble.score([answer.prompt.prompt for answer in answers], [answer.text for answer in answers])
        if not (numpy.isfinite(scores.mean).all() and numpy.isfinite(scores.deviation).all()):
            raise Diverged("a reward model in section reward gives scores that are no numbers; its weights are broken")
        return scores


def _load(folder: Path, place: int, compute: ComputeDevice, check: StopCheck) -> FastScorer:
    try:
        return FastScorer(folder, compute, check=check)
    except ConfigError as error:
        # Its faults begin with "model", which in this config is a key of the section `reward`.
        key = "model" if place == 0 else f"ensemble[{place - 1}]"
        raise ConfigError([f"reward.{key}{fault.removeprefix('model')}" for fault in error.faults]) from error
