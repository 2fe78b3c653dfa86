import math

import pytest
import torch

from rltrainer.config_learning import KLConfig
from rltrainer.kl import KLController, estimate_kl, kl_penalty


def test_estimators_by_hand():
    # Schulman 2020: x = log(0.25) - log(0.5) = -log 2.
    policy, reference = torch.tensor([math.log(0.5)]), torch.tensor([math.log(0.25)])
    values = {name: estimate_kl(policy, reference, estimator=name).item() for name in ("k1", "k2", "k3")}
    assert values["k1"] == pytest.approx(math.log(2))
    assert values["k2"] == pytest.approx(math.log(2) ** 2 / 2)
    assert values["k3"] == pytest.approx(0.5 - 1 + math.log(2), rel=1e-5)


@pytest.mark.parametrize("estimator", ["k1", "k3"])
def test_unbiased_estimators_meet_the_exact_divergence(estimator):
    policy = torch.randn(6, generator=torch.Generator().manual_seed(1)).log_softmax(0)
    reference = torch.randn(6, generator=torch.Generator().manual_seed(2)).log_softmax(0)
    exact = (policy.exp() * (policy - reference)).sum()
    expected = (policy.exp() * estimate_kl(policy, reference, estimator=estimator)).sum()
    torch.testing.assert_close(expected, exact)


@pytest.mark.parametrize(
    ("estimator", "gradient"), [("k1", "ratio"), ("k3", "ratio"), ("k1", "k2_st"), ("k2", "naive")]
)
def test_right_gradients_meet_the_exact_gradient_on_policy(estimator, gradient):
    # Expected over the policy's own samples, the gradient must be that of the exact divergence (arXiv:2510.01555).
    reference = torch.randn(6, dtype=torch.float64, generator=torch.Generator().manual_seed(2)).log_softmax(0)
    logits = torch.randn(6, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    policy = logits.log_softmax(0)
    (policy.exp() * (policy - reference)).sum().backward(retain_graph=True)
    exact, logits.grad = logits.grad, None
    penalty = kl_penalty(policy, reference, old_log_probs=None, estimator=estimator, gradient=gradient)
    (policy.exp().detach() * penalty).sum().backward()
    # float32 inside the estimators bounds the accuracy.
    torch.testing.assert_close(logits.grad, exact, atol=1e-6, rtol=1e-5)


def test_naive_k3_has_another_gradient():
    log_prob = torch.tensor([-1.0], requires_grad=True)
    reference = torch.tensor([-1.5])
    kl_penalty(log_prob, reference, old_log_probs=None, estimator="k3", gradient="naive").backward()
    # d/dl (exp(x) - 1 - x) with x = -1.5 - l = -0.5: -(exp(x) - 1).
    assert log_prob.grad.item() == pytest.approx(1 - math.exp(-0.5), rel=1e-5)


def test_straight_through_keeps_the_value():
    policy, reference = torch.tensor([-1.0, -2.0]), torch.tensor([-1.2, -1.5])
    penalty = kl_penalty(policy, reference, old_log_probs=None, estimator="k3", gradient="k2_st")
    torch.testing.assert_close(penalty, estimate_kl(policy, reference, estimator="k3"))


def test_off_policy_value_carries_the_ratio():
    policy, reference, old = torch.tensor([-1.0]), torch.tensor([-1.2]), torch.tensor([-1.3])
    penalty = kl_penalty(policy, reference, old_log_probs=old, estimator="k3", gradient="ratio")
    expected = math.exp(0.3) * (math.exp(-0.2) - 1 + 0.2)
    assert penalty.item() == pytest.approx(expected, rel=1e-5)


def test_stray_tokens_stay_finite():
    assert estimate_kl(torch.tensor([-500.0]), torch.tensor([0.0]), estimator="k3").isfinite().all()


def test_unequal_shapes_are_refused():
    with pytest.raises(ValueError, match="differ"):
        estimate_kl(torch.zeros(2), torch.zeros(3), estimator="k1")


def _adaptive(**config):
    return KLController(KLConfig(coefficient=0.1, controller="adaptive", target=6.0, horizon=100, **config))


def test_a_fixed_price_stays():
    controller = KLController(KLConfig(coefficient=0.1))
    controller.update(60.0, 100)
    assert controller.coefficient == 0.1


def test_adaptive_prices_by_hand():
    # arXiv:1909.08593 sec. 2.2: 6.6 nats are 10 % too far; half a horizon of completions moves the price by half of it.
    controller = _adaptive()
    controller.update(6.6, 50)
    assert controller.coefficient == pytest.approx(0.1 * 1.05)
    controller.update(600.0, 100)  # Held at 20 %.
    assert controller.coefficient == pytest.approx(0.1 * 1.05 * 1.2)
    controller.update(-1.0, 100)  # A negative estimate is chance: as far below the target as counts.
    assert controller.coefficient == pytest.approx(0.1 * 1.05 * 1.2 * 0.8)


def test_no_step_turns_the_price_negative_however_many_completions_it_had():
    controller = _adaptive()
    controller.update(0.0, 100_000)
    assert controller.coefficient == pytest.approx(0.08)


@pytest.mark.parametrize("distance", [math.nan, math.inf])
def test_a_distance_that_is_no_number_leaves_the_price(distance):
    controller = _adaptive()
    controller.update(distance, 50)
    assert controller.coefficient == 0.1


def test_a_restored_controller_goes_on_exactly():
    first, second = _adaptive(), _adaptive()
    first.update(7.3, 37)
    second.restore(first.state())
    for controller in (first, second):
        controller.update(4.9, 41)
    assert first.coefficient == second.coefficient
