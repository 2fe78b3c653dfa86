import pytest
import torch

from rltrainer.value_losses import held_values, value_losses

VALUES = torch.tensor([[1.0, 2.0, 3.0, -1.0]])
OLD = torch.tensor([[1.0, 1.0, 1.0, 1.0]])


def test_without_a_limit_it_is_half_the_squared_error():
    found = value_losses(VALUES, OLD, torch.tensor([[0.0, 2.0, 5.0, 1.0]]), clip=None)
    assert found.tolist() == [[0.5, 0.0, 2.0, 2.0]]


def test_the_greater_error_counts():
    returns = torch.tensor([[0.0, 2.0, 5.0, -4.0]])
    # Held within 0.5 of 1: 1, 1.5, 1.5, 0.5. Errors held: 1, 0.5, 3.5, 4.5; free: 1, 0, 2, 3.
    assert value_losses(VALUES, OLD, returns, clip=0.5).tolist() == [[0.5, 0.125, 6.125, 10.125]]
    assert held_values(VALUES, OLD, returns, clip=0.5).tolist() == [[False, True, True, True]]
    assert not held_values(VALUES, OLD, returns, clip=None).any()


def test_a_held_value_has_no_gradient_and_a_value_gone_astray_is_called_back():
    values = torch.tensor([[3.0, 3.0]], requires_grad=True)
    value_losses(values, torch.ones(1, 2), torch.tensor([[9.0, 0.0]]), clip=0.5).sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [[0.0, 3.0]]


def test_a_value_within_the_limit_is_not_held_by_rounding():
    generator = torch.Generator().manual_seed(0)
    old, returns = torch.randn(2, 1, 1000, generator=generator)
    values = old + 1e-4 * torch.randn(1, 1000, generator=generator)
    assert not held_values(values, old, returns, clip=0.2).any()
    assert torch.equal(value_losses(values, old, returns, clip=0.2), value_losses(values, old, returns, clip=None))


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"\(1, 4\)"):
        value_losses(VALUES, OLD, torch.zeros(1, 3), clip=None)
