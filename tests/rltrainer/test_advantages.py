import pytest
import torch

from rltrainer.advantages import flat_groups, group_advantages

REWARDS = torch.tensor([[1.0, 2.0, 3.0, 6.0], [0.0, 0.0, 1.0, 1.0]])


def test_group_std_by_hand():
    # Row 1: mean 3, deviations -2 -1 0 3, variance (4+1+0+9)/3 = 14/3. Row 2: mean 0.5, variance 1/3.
    first = torch.tensor([-2.0, -1.0, 0.0, 3.0], dtype=torch.float64) / ((14 / 3) ** 0.5 + 1e-4)
    second = torch.tensor([-0.5, -0.5, 0.5, 0.5], dtype=torch.float64) / ((1 / 3) ** 0.5 + 1e-4)
    torch.testing.assert_close(group_advantages(REWARDS, scale="group_std"), torch.stack([first, second]))


def test_without_scale_only_the_mean_goes():
    expected = torch.tensor([[-2.0, -1.0, 0.0, 3.0], [-0.5, -0.5, 0.5, 0.5]], dtype=torch.float64)
    torch.testing.assert_close(group_advantages(REWARDS, scale="none"), expected)


def test_leave_one_out_compares_with_the_siblings_alone():
    # First completion of row 1: 1 - (2 + 3 + 6) / 3 = -8/3.
    advantages = group_advantages(REWARDS, scale="loo")
    siblings = torch.stack([(REWARDS.sum(1) - REWARDS[:, i]) / 3 for i in range(4)], dim=1)
    torch.testing.assert_close(advantages, (REWARDS - siblings).double())
    assert advantages[0, 0].item() == pytest.approx(-8 / 3)


def test_batch_scale_divides_by_the_spread_of_all_rewards():
    # All eight rewards: sum 14, squares 52, variance (52 - 14 * 14 / 8) / 7 = 27.5 / 7.
    expected = group_advantages(REWARDS, scale="none") / ((27.5 / 7) ** 0.5 + 1e-4)
    torch.testing.assert_close(group_advantages(REWARDS, scale="batch"), expected)


@pytest.mark.parametrize("scale", ["group_std", "none", "loo", "batch"])
def test_rows_sum_to_zero_and_ignore_a_constant(scale):
    rewards = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    advantages = group_advantages(rewards, scale=scale)
    torch.testing.assert_close(advantages.sum(1), torch.zeros(5, dtype=torch.float64), atol=1e-9, rtol=0)
    torch.testing.assert_close(group_advantages(rewards.double() + 3, scale=scale), advantages, atol=1e-6, rtol=0)


@pytest.mark.parametrize("scale", ["group_std", "none", "loo", "batch"])
def test_flat_groups_get_exactly_zero_in_spite_of_float_noise(scale):
    noisy = torch.tensor([[0.1 + 0.2, 0.3, 0.3, 0.3], [0.0, 1.0, 0.0, 1.0]], dtype=torch.float64)
    assert flat_groups(noisy).tolist() == [True, False]
    assert group_advantages(noisy, scale=scale)[0].tolist() == [0.0] * 4


def test_single_completions_are_refused():
    with pytest.raises(ValueError, match=r"completions >= 2"):
        group_advantages(torch.zeros(3, 1), scale="none")
