import math

import pytest
import torch

from rltrainer.losses import (
    StepTotals,
    aggregate,
    cispo_surrogate,
    clipped_surrogate,
    clipped_tokens,
    importance_ratio,
)

AGGREGATIONS = ("grpo", "token_mean", "dr_grpo")
MASK = torch.tensor([[True, True, False], [True, True, True]])


def test_surrogate_by_hand():
    # arXiv:1707.06347 eq. 7. Row 1, A = 2: 0.5 stays, 1.5 is cut at 1.28. Row 2, A = -1: 0.5 is cut at 0.8, 1.5 stays.
    ratio = torch.tensor([[0.5, 1.5], [0.5, 1.5]])
    loss = clipped_surrogate(ratio, torch.tensor([[2.0, 2.0], [-1.0, -1.0]]), clip_low=0.2, clip_high=0.28)
    torch.testing.assert_close(loss, torch.tensor([[-1.0, -2.56], [0.8, 1.5]]))


def test_every_token_may_have_its_own_advantage():
    ratio = torch.tensor([[1.5, 0.5, 0.5]])
    loss = clipped_surrogate(ratio, torch.tensor([[1.0, -1.0, 0.0]]), clip_low=0.2, clip_high=0.2)
    torch.testing.assert_close(loss, torch.tensor([[-1.2, 0.8, 0.0]]))


def test_the_dual_limit_holds_the_loss_of_bad_tokens_alone():
    # arXiv:1912.09729: with A = -2 and c = 3 no loss above 6, and no gradient there; with A = 2 nothing changes.
    ratio = torch.tensor([[2.0, 5.0], [2.0, 5.0]], requires_grad=True)
    advantages = torch.tensor([[-2.0, -2.0], [2.0, 2.0]])
    loss = clipped_surrogate(ratio, advantages, clip_low=0.2, clip_high=0.2, clip_dual=3.0)
    torch.testing.assert_close(loss, torch.tensor([[4.0, 6.0], [-2.4, -2.4]]))
    loss.sum().backward()
    assert ratio.grad.tolist() == [[2.0, 0.0], [0.0, 0.0]]


def test_the_ratio_limit_holds_both_signs():
    # arXiv:2505.07291: with A = -1 the free ratio 9 counts as 4, without gradient; with A = 1 the upper one is nearer.
    ratio = torch.tensor([[3.0, 9.0], [3.0, 9.0]], requires_grad=True)
    advantages = torch.tensor([[-1.0, -1.0], [1.0, 1.0]])
    loss = clipped_surrogate(ratio, advantages, clip_low=0.2, clip_high=0.2, ratio_limit=4.0)
    torch.testing.assert_close(loss, torch.tensor([[3.0, 4.0], [-1.2, -1.2]]))
    loss.sum().backward()
    assert ratio.grad.tolist() == [[1.0, 0.0], [0.0, 0.0]]


def test_cispo_weighs_every_token_and_keeps_its_gradient():
    # arXiv:2506.13585: the weight min(ratio, 1.28) has no gradient, the log-prob always has.
    log_probs = torch.tensor([[-1.0, -2.0]], requires_grad=True)
    ratio, advantages = torch.tensor([[0.5, 5.0]]), torch.tensor([[2.0, -1.0]])
    loss = cispo_surrogate(log_probs, ratio, advantages, clip_high=0.28)
    torch.testing.assert_close(loss, torch.tensor([[1.0, -2.56]]))
    loss.sum().backward()
    torch.testing.assert_close(log_probs.grad, torch.tensor([[-1.0, 1.28]]))


def test_clipped_tokens_are_those_without_gradient():
    ratio = torch.tensor([[0.5, 1.5], [0.5, 1.5]], requires_grad=True)
    advantages = torch.tensor([[2.0, 2.0], [-1.0, -1.0]])
    clipped_surrogate(ratio, advantages, clip_low=0.2, clip_high=0.28).sum().backward()
    low, high = clipped_tokens(ratio, advantages, torch.ones(2, 2, dtype=torch.bool), clip_low=0.2, clip_high=0.28)
    assert low.tolist() == [[False, False], [True, False]]
    assert high.tolist() == [[False, True], [False, False]]
    assert (ratio.grad == 0).tolist() == (low | high).tolist()


def test_aggregations_by_hand():
    losses = torch.tensor([[1.0, 3.0, 99.0], [2.0, 4.0, 6.0]])
    totals = StepTotals(rows=2, tokens=5, max_new_tokens=10)
    values = {name: aggregate(losses, MASK, aggregation=name, totals=totals).item() for name in AGGREGATIONS}
    assert values["grpo"] == pytest.approx((2 + 4) / 2)
    assert values["token_mean"] == pytest.approx(16 / 5)
    assert values["dr_grpo"] == pytest.approx(16 / 20)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_micro_batches_of_any_size_sum_to_the_whole(aggregation):
    generator = torch.Generator().manual_seed(0)
    losses = torch.randn(8, 5, generator=generator)
    mask = torch.arange(5)[None] < torch.randint(1, 6, (8, 1), generator=generator)
    totals = StepTotals(rows=8, tokens=int(mask.sum()), max_new_tokens=5)
    whole = aggregate(losses, mask, aggregation=aggregation, totals=totals)
    parts = [aggregate(losses[i : i + 1], mask[i : i + 1], aggregation=aggregation, totals=totals) for i in range(8)]
    torch.testing.assert_close(torch.stack(parts).sum(), whole, atol=1e-6, rtol=0)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_a_masked_row_is_a_removed_row(aggregation):
    losses = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(3, 4, dtype=torch.bool)
    mask[1] = False
    totals = StepTotals(rows=2, tokens=8, max_new_tokens=4)
    kept = torch.tensor([0, 2])
    torch.testing.assert_close(
        aggregate(losses, mask, aggregation=aggregation, totals=totals),
        aggregate(losses[kept], mask[kept], aggregation=aggregation, totals=totals),
    )


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_padding_changes_nothing_even_where_it_is_not_finite(aggregation):
    losses = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))
    totals = StepTotals(rows=2, tokens=5, max_new_tokens=3)
    padded = torch.cat([losses, torch.full((2, 2), math.nan)], dim=1)
    mask = torch.cat([MASK, torch.zeros(2, 2, dtype=torch.bool)], dim=1)
    torch.testing.assert_close(
        aggregate(padded, mask, aggregation=aggregation, totals=totals),
        aggregate(losses, MASK, aggregation=aggregation, totals=totals),
    )


def test_ratio_is_one_with_a_gradient_while_the_policy_has_not_moved():
    log_probs = torch.tensor([[-1.0, -2.0, -3.0]], requires_grad=True)
    ratio = importance_ratio(log_probs, None, torch.ones(1, 3, dtype=torch.bool), level="token")
    assert ratio.tolist() == [[1.0, 1.0, 1.0]]
    ratio.sum().backward()
    assert log_probs.grad.tolist() == [[1.0, 1.0, 1.0]]


def test_sequence_ratio_is_the_geometric_mean_of_the_counted_tokens():
    # arXiv:2507.18071 eq. 7: exp((0.3 - 0.1) / 2); the third token does not count.
    log_probs, old = torch.tensor([[-1.0, -2.1, -9.0]]), torch.tensor([[-1.3, -2.0, -1.0]])
    ratio = importance_ratio(log_probs, old, torch.tensor([[True, True, False]]), level="sequence")
    torch.testing.assert_close(ratio, torch.full((1, 3), math.exp(0.1)))


def test_sequence_token_has_the_value_of_the_row_and_the_gradient_of_the_token():
    # arXiv:2507.18071 eq. 14; the gradient of the ratio at a token is the row's ratio, at the others 0.
    log_probs = torch.tensor([[-1.0, -2.1, -9.0]], requires_grad=True)
    old, mask = torch.tensor([[-1.3, -2.0, -1.0]]), torch.tensor([[True, True, False]])
    ratio = importance_ratio(log_probs, old, mask, level="sequence_token")
    torch.testing.assert_close(ratio, torch.full((1, 3), math.exp(0.1)))
    (ratio * torch.tensor([[1.0, 10.0, 100.0]])).sum().backward()
    torch.testing.assert_close(log_probs.grad, torch.tensor([[1.0, 10.0, 0.0]]) * math.exp(0.1))


@pytest.mark.parametrize("level", ["sequence", "sequence_token"])
def test_both_sequence_ratios_push_alike_where_all_tokens_share_the_advantage(level):
    log_probs = torch.tensor([[-1.0, -2.1, -0.5]], requires_grad=True)
    mask = torch.ones(1, 3, dtype=torch.bool)
    importance_ratio(log_probs, torch.tensor([[-1.3, -2.0, -0.4]]), mask, level=level).mean().backward()
    torch.testing.assert_close(log_probs.grad, torch.full((1, 3), math.exp(0.1 / 3) / 3))


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="mask of that shape"):
        aggregate(torch.zeros(2, 3), MASK[:1], aggregation="grpo", totals=StepTotals(1, 1, 1))
    with pytest.raises(ValueError, match="do not fit"):
        clipped_surrogate(torch.ones(2, 3), torch.ones(2), clip_low=0.2, clip_high=0.2)
    with pytest.raises(ValueError, match="do not fit"):
        cispo_surrogate(torch.ones(2, 3), torch.ones(2, 3), torch.ones(2, 1), clip_high=0.2)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="level must be one of"):
        importance_ratio(torch.zeros(2, 3), None, MASK, level="word")
    with pytest.raises(ValueError, match="aggregation must be one of"):
        aggregate(torch.zeros(2, 3), MASK, aggregation="sum", totals=StepTotals(1, 1, 1))
