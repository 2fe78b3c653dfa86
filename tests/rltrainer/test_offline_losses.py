import math

import pytest
import torch
from torch.nn.functional import logsigmoid

from rltrainer.offline_losses import dpo_losses, sft_loss, sum_log_probs

CHOSEN, REJECTED = torch.tensor([-5.0, -7.0]), torch.tensor([-6.0, -4.0])
REFERENCE = (torch.tensor([-5.5, -6.0]), torch.tensor([-6.5, -6.0]))


def _lead():
    return (CHOSEN - REFERENCE[0]) - (REJECTED - REFERENCE[1])


def test_sft_is_the_mean_over_all_counted_tokens_however_it_is_portioned():
    generator = torch.Generator().manual_seed(1)
    log_probs = -torch.rand(3, 4, generator=generator)
    mask = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1], [1, 0, 0, 0]], dtype=torch.bool)
    whole = sft_loss(log_probs, mask, tokens=7)
    assert float(whole) == pytest.approx(-float(log_probs[mask].mean()))
    parts = [sft_loss(log_probs[i : i + 1], mask[i : i + 1], tokens=7) for i in range(3)]
    torch.testing.assert_close(sum(parts), whole)


def test_what_stands_behind_a_response_does_not_reach_its_loss():
    mask = torch.tensor([[True, False]])
    log_probs = torch.tensor([[-1.0, float("nan")]], requires_grad=True)
    loss = sft_loss(log_probs, mask, tokens=1)
    loss.backward()
    assert loss == 1.0
    assert log_probs.grad.tolist() == [[-1.0, 0.0]]


def test_a_masked_row_equals_a_removed_one():
    log_probs = torch.tensor([[-1.0, -2.0], [-9.0, -9.0]])
    mask = torch.tensor([[True, True], [False, False]])
    assert sft_loss(log_probs, mask, tokens=2) == sft_loss(log_probs[:1], mask[:1], tokens=2) == 1.5


def test_dpo_is_the_log_likelihood_of_the_choice():
    losses = dpo_losses(CHOSEN, REJECTED, *REFERENCE, beta=0.1)
    torch.testing.assert_close(losses, -logsigmoid(0.1 * _lead()))


def test_dpo_starts_at_a_coin():
    losses = dpo_losses(CHOSEN, REJECTED, CHOSEN, REJECTED, beta=0.3)
    assert losses.tolist() == pytest.approx([math.log(2)] * 2)


def test_turning_pairs_and_targets_round_changes_nothing():
    target = torch.tensor([0.9, 0.6])
    for loss in ("sigmoid", "ipo"):
        one = dpo_losses(CHOSEN, REJECTED, *REFERENCE, beta=0.2, target=target, loss=loss)
        other = dpo_losses(REJECTED, CHOSEN, *REFERENCE[::-1], beta=0.2, target=1 - target, loss=loss)
        torch.testing.assert_close(one, other)


def test_a_tie_draws_the_policy_back_to_the_reference():
    chosen = torch.tensor([-5.0], requires_grad=True)
    loss = dpo_losses(chosen, REJECTED[:1], *(r[:1] for r in REFERENCE), beta=0.1, target=torch.tensor([0.5]))
    loss.sum().backward()
    assert float(_lead()[0]) == 0.0
    assert chosen.grad.item() == 0.0


@pytest.mark.parametrize("probability", [0.5, 0.8, 1.0])
def test_ipo_is_lowest_where_its_objective_says(probability):
    lead = torch.linspace(-10, 10, 20001, dtype=torch.float64)
    zero = torch.zeros_like(lead)
    losses = dpo_losses(lead, zero, zero, zero, beta=0.25, target=torch.full_like(lead, probability), loss="ipo")
    assert float(lead[losses.argmin()]) == pytest.approx((2 * probability - 1) / (2 * 0.25), abs=1e-3)


def test_a_weight_multiplies_its_pair_alone():
    plain = dpo_losses(CHOSEN, REJECTED, *REFERENCE, beta=0.1)
    weighed = dpo_losses(CHOSEN, REJECTED, *REFERENCE, beta=0.1, weight=torch.tensor([1.0, 3.0]))
    torch.testing.assert_close(weighed, plain * torch.tensor([1.0, 3.0]))


def test_a_response_counts_as_a_sum_or_as_a_mean():
    log_probs = torch.tensor([[-1.0, -3.0, 99.0], [-2.0, 99.0, 99.0]])
    mask = log_probs < 0
    assert sum_log_probs(log_probs, mask, per_token=False).tolist() == [-4.0, -2.0]
    assert sum_log_probs(log_probs, mask, per_token=True).tolist() == [-2.0, -2.0]


def test_gradients_are_those_of_finite_differences():
    for loss in ("sigmoid", "ipo"):
        given = [value.double().requires_grad_() for value in (CHOSEN, REJECTED)]
        fixed = [value.double() for value in REFERENCE]
        assert torch.autograd.gradcheck(lambda c, r, f=fixed, k=loss: dpo_losses(c, r, *f, beta=0.5, loss=k), given)


@pytest.mark.parametrize("wrong", [{"target": torch.ones(3)}, {"weight": torch.ones(1)}, {"loss": "hinge"}])
def test_wrong_shapes_and_names_are_refused(wrong):
    with pytest.raises(ValueError):
        dpo_losses(CHOSEN, REJECTED, *REFERENCE, beta=0.1, **wrong)
    with pytest.raises(ValueError):
        sft_loss(torch.zeros(2, 3), torch.ones(2, 2, dtype=torch.bool), tokens=1)
