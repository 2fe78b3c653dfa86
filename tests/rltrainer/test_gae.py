import pytest
import torch

from rltrainer.gae import explained_variance, generalised_advantages, whiten


def _loop(rewards, values, mask, discount, trace, last):
    """One row, the way it is written in the paper: a sum over what follows."""
    places = [place for place, counted in enumerate(mask) if counted]
    surprises = []
    for number, place in enumerate(places):
        following = values[places[number + 1]] if number + 1 < len(places) else last
        surprises.append(rewards[place] + discount * following - values[place])
    found = [0.0] * len(mask)
    for number, place in enumerate(places):
        rest = enumerate(surprises[number:])
        found[place] = sum((discount * trace) ** ahead * surprise for ahead, surprise in rest)
    return found


@pytest.mark.parametrize("seed", range(20))
def test_advantages_are_the_sum_over_what_follows_whatever_the_mask(seed):
    generator = torch.Generator().manual_seed(seed)
    rows, tokens = 1 + seed % 5, 1 + seed % 7
    rewards, values = torch.randn(2, rows, tokens, generator=generator, dtype=torch.float64)
    mask = torch.rand(rows, tokens, generator=generator) < (0.2, 0.6, 1.1)[seed % 3]
    discount, trace = torch.rand(2, generator=generator).tolist()
    last = torch.randn(rows, generator=generator, dtype=torch.float64) if seed % 2 else None
    found = generalised_advantages(rewards, values, mask, discount=discount, trace=trace, last_values=last)
    expected = [
        _loop(
            *(part[row].tolist() for part in (rewards, values, mask)), discount, trace, 0 if last is None else last[row]
        )
        for row in range(rows)
    ]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_advantages_by_hand():
    # Only the last token earns; V = 1, 2, 4; lambda 1/2: 5 - 4 = 1, (4 - 2) + 1/2 = 2.5, (2 - 1) + 1.25 = 2.25.
    found = generalised_advantages(
        torch.tensor([[0.0, 0.0, 5.0]]),
        torch.tensor([[1.0, 2.0, 4.0]]),
        torch.ones(1, 3, dtype=torch.bool),
        discount=1.0,
        trace=0.5,
    )
    assert found.tolist() == [[2.25, 2.5, 1.0]]


def test_with_trace_1_and_no_discount_the_returns_are_the_rewards_to_come():
    rewards, values = torch.randn(2, 3, 6, dtype=torch.float64)
    mask = torch.ones(3, 6, dtype=torch.bool)
    found = generalised_advantages(rewards, values, mask, discount=1.0, trace=1.0)
    torch.testing.assert_close(found + values, rewards.flip(1).cumsum(1).flip(1))


def test_a_row_does_not_see_its_padding():
    rewards, values = torch.randn(2, 2, 4)
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    long = generalised_advantages(rewards, values, mask, discount=0.9, trace=0.9)
    short = generalised_advantages(rewards[1:, :2], values[1:, :2], mask[1:, :2], discount=0.9, trace=0.9)
    assert torch.equal(long[1, :2], short[0])
    assert long[1, 2:].tolist() == [0.0, 0.0]


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"\(1, 2\)"):
        generalised_advantages(torch.zeros(1, 2), torch.zeros(1, 2), torch.ones(1, 3) > 0, discount=1.0, trace=1.0)


def test_whitened_values_have_mean_0_and_deviation_1_over_what_counts():
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(5, 9, generator=generator, dtype=torch.float64) * 7 + 3
    mask = torch.rand(5, 9, generator=generator) < 0.5
    found = whiten(values, mask)
    assert found[mask].mean().item() == pytest.approx(0, abs=1e-12)
    assert found[mask].var().item() == pytest.approx(1, abs=1e-6)
    assert found[~mask].abs().max() == 0
    # 1, 3 have mean 2 and unbiased variance 2.
    by_hand = whiten(torch.tensor([[1.0, 99.0, 3.0]]), torch.tensor([[True, False, True]]))
    assert by_hand.tolist() == [[pytest.approx(-(0.5**0.5)), 0.0, pytest.approx(0.5**0.5)]]


def test_what_does_not_vary_becomes_0():
    assert whiten(torch.tensor([[5.0, 7.0]]), torch.tensor([[True, False]])).tolist() == [[0.0, 0.0]]
    assert whiten(torch.full((2, 2), 3.0), torch.ones(2, 2) > 0).abs().max() == 0


def test_explained_variance_by_hand():
    mask = torch.tensor([[True, True, True, False]])
    returns = torch.tensor([[1.0, 2.0, 3.0, 50.0]])
    assert explained_variance(returns + 4, returns, mask) == pytest.approx(1)
    assert explained_variance(torch.zeros(1, 4), returns, mask) == pytest.approx(0)
    # Errors 0, 1, 0 have a third of the variance 1.
    assert explained_variance(torch.tensor([[1.0, 1.0, 3.0, 9.0]]), returns, mask) == pytest.approx(2 / 3)
    assert explained_variance(-returns, returns, mask) == pytest.approx(-3)
    assert explained_variance(returns, torch.ones(1, 4), mask) is None
