import math

import pytest
import torch
from torch.nn.functional import logsigmoid

from rewardmodel.losses import bradley_terry, centre_penalty

CHOSEN = torch.tensor([2.0, 0.0, -1.0])
REJECTED = torch.tensor([0.0, 0.0, 1.0])
HARD = torch.ones(3)


def test_hard_labels_give_the_numbers_worked_out_by_hand() -> None:
    # log(1 + e^-2), log 2, log(1 + e^2)
    expected = torch.tensor([0.126928, 0.693147, 2.126928])
    torch.testing.assert_close(bradley_terry(CHOSEN, REJECTED, target=HARD), expected, rtol=0, atol=1e-6)


def test_soft_target_mixes_both_outcomes() -> None:
    losses = bradley_terry(CHOSEN, REJECTED, target=torch.tensor([0.8, 0.5, 0.8]))
    # 0.8 * 0.126928 + 0.2 * 2.126928; log 2; 0.8 * 2.126928 + 0.2 * 0.126928
    torch.testing.assert_close(losses, torch.tensor([0.526928, 0.693147, 1.726928]), rtol=0, atol=1e-6)


def test_margin_asks_for_a_lead() -> None:
    losses = bradley_terry(CHOSEN, REJECTED, target=HARD, margin=torch.tensor([2.0, 0.0, 0.0]))
    assert losses[0].item() == pytest.approx(math.log(2))


def test_weight_multiplies_the_loss() -> None:
    weighted = bradley_terry(CHOSEN, REJECTED, target=HARD, weight=torch.tensor([0.0, 2.0, 1.0]))
    torch.testing.assert_close(weighted, torch.tensor([0.0, 1.386294, 2.126928]), rtol=0, atol=1e-6)


def test_equals_the_textbook_form_where_that_is_exact() -> None:
    generator = torch.Generator().manual_seed(0)
    chosen, rejected, target, margin = torch.rand(4, 50, generator=generator, dtype=torch.float64)
    naive = -(target * logsigmoid(chosen - rejected - margin) + (1 - target) * logsigmoid(rejected - chosen - margin))
    torch.testing.assert_close(bradley_terry(chosen, rejected, target=target, margin=margin), naive)


def test_stays_finite_where_a_sigmoid_rounds_to_zero() -> None:
    losses = bradley_terry(torch.tensor([-500.0]), torch.tensor([500.0]), target=torch.ones(1))
    assert losses.item() == pytest.approx(1000.0)


def test_adding_one_number_to_all_scores_changes_nothing() -> None:
    target = torch.tensor([0.9, 0.5, 1.0])
    moved = bradley_terry(CHOSEN + 7, REJECTED + 7, target=target)
    torch.testing.assert_close(moved, bradley_terry(CHOSEN, REJECTED, target=target))


def test_swapping_sides_and_target_changes_nothing() -> None:
    target = torch.tensor([0.9, 0.5, 1.0])
    swapped = bradley_terry(REJECTED, CHOSEN, target=1 - target)
    torch.testing.assert_close(swapped, bradley_terry(CHOSEN, REJECTED, target=target))


def test_gradients_are_those_of_the_formula() -> None:
    generator = torch.Generator().manual_seed(1)
    scores = torch.randn(2, 6, generator=generator, dtype=torch.float64, requires_grad=True)
    target = torch.rand(6, generator=generator, dtype=torch.float64)

    def loss(scores: torch.Tensor) -> torch.Tensor:
        return bradley_terry(scores[0], scores[1], target=target) + 0.1 * centre_penalty(scores[0], scores[1])

    assert torch.autograd.gradcheck(loss, (scores,))


def test_centre_penalty_is_the_squared_sum() -> None:
    torch.testing.assert_close(centre_penalty(CHOSEN, REJECTED), torch.tensor([4.0, 0.0, 0.0]))


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="expected \\[pairs\\]"):
        bradley_terry(CHOSEN, REJECTED[:2], target=HARD)
    with pytest.raises(ValueError, match="shapes differ"):
        centre_penalty(CHOSEN, REJECTED[:2])
