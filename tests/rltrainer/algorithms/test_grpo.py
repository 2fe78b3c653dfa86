import pytest
import torch

from rewardmodel.records import PromptRecord
from rltrainer.algorithms.grpo import GRPO
from rltrainer.config_sections import AdvantageConfig, KLConfig, LossConfig
from rltrainer.records import Completion, EncodedPrompt, Group
from rltrainer.tally import Tally

PROMPT = EncodedPrompt(PromptRecord("q", ({"role": "user", "content": "?"},), {}), (1, 2))


def _groups():
    completions = tuple(Completion((9,) * n, (-1.0,) * n, "stop", 0) for n in (1, 2, 3, 4))
    return [Group(PROMPT, completions, ("",) * 4, 5, {}, (1.0, 2.0, 3.0, 6.0))]


REFERENCE = [(-1.5,) * n for n in (1, 2, 3, 4)]


def test_rows_carry_advantages_and_log_probs():
    algorithm = GRPO(kl=KLConfig(), advantage=AdvantageConfig(scale="none"), loss=LossConfig())
    batch = algorithm.prepare(_groups(), REFERENCE, Tally())
    assert batch.policy_version == 5
    assert batch.tokens == 10
    assert [row.advantage for row in batch.rows] == [-2.0, -1.0, 0.0, 3.0]
    assert [row.reference_log_probs for row in batch.rows] == REFERENCE
    assert all(row.prompt_ids == (1, 2) and row.old_log_probs is None for row in batch.rows)


def test_the_price_in_the_reward_is_the_summed_distance():
    # k1 sums: 0.5 a token. Rewards 1, 2, 3, 6 become 1 - 0.1 * (0.5, 1, 1.5, 2); their mean is 3 - 0.125.
    kl = KLConfig(coefficient=0.1, place="reward", estimator="k1")
    algorithm = GRPO(kl=kl, advantage=AdvantageConfig(scale="none"), loss=LossConfig())
    batch = algorithm.prepare(_groups(), REFERENCE, Tally())
    expected = torch.tensor([0.95, 1.9, 2.85, 5.8]) - 2.875
    assert [row.advantage for row in batch.rows] == pytest.approx(expected.tolist(), abs=1e-6)
