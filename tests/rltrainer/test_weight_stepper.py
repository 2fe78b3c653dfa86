import math

import pytest
import torch
from torch import nn

from rewardmodel.runtime.faults import Diverged, Interrupted
from rewardmodel.runtime.master_weights import MasterWeights
from rltrainer.config_learning import OptimizerConfig
from rltrainer.memory import MicroBatchBudget
from rltrainer.optimization import build_adamw
from rltrainer.tally import Tally
from rltrainer.weight_stepper import WeightStepper


def _stepper(**config):
    settings = OptimizerConfig(learning_rate=0.1, max_grad_norm=1.0, **config)
    torch.manual_seed(0)
    masters = MasterWeights(nn.Linear(3, 2))
    return WeightStepper(masters, build_adamw(masters.parameters, settings), settings, budget=MicroBatchBudget(100))


def _pull(stepper, towards, measured=1.0):
    """Leaves the gradient of a plain sum, times `towards`, and one measurement."""

    def accumulate(tally):
        (sum(parameter.sum() for parameter in stepper.masters.parameters) * towards).backward()
        tally.add_sum("seen", measured)
        return "done"

    return accumulate


def _weights(stepper):
    return torch.cat([parameter.detach().flatten() for parameter in stepper.masters.parameters]).clone()


def _gradients(stepper):
    return [parameter.grad for parameter in stepper.masters.parameters]


def test_a_step_moves_the_weights_and_leaves_no_gradient():
    stepper, tally = _stepper(), Tally()
    before = _weights(stepper)
    assert stepper.take(_pull(stepper, 4.0), learning_rate=0.5, tally=tally) == "done"
    # Adam's first step has the size of the learning rate in every weight, whatever the gradient's length.
    torch.testing.assert_close(_weights(stepper), before - 0.5)
    moved = pytest.approx(float((_weights(stepper) - before).norm() / before.norm()))
    assert tally.values() == {"seen": 1.0, "grad_norm": pytest.approx(4 * math.sqrt(8)), "update_norm": moved}
    assert _gradients(stepper) == [None, None]


def test_a_gradient_that_is_not_finite_is_left_out_and_counted_until_it_is_too_often():
    stepper = _stepper(max_skipped_steps=2)
    before = _weights(stepper)
    for number in (1, 2):
        tally = Tally()
        stepper.take(_pull(stepper, float("nan")), learning_rate=0.5, tally=tally)
        assert tally.values()["skipped_steps"] == 1
        assert "update_norm" not in tally.values()
        assert stepper.skipped_in_a_row == number
        assert torch.equal(_weights(stepper), before)
        assert _gradients(stepper) == [None, None]
    with pytest.raises(Diverged, match="3 times in a row"):
        stepper.take(_pull(stepper, float("inf")), learning_rate=0.5, tally=Tally())


def test_a_finite_step_forgives_those_before_it():
    stepper = _stepper(max_skipped_steps=1)
    for towards in (float("nan"), 1.0, float("nan"), 1.0):
        stepper.take(_pull(stepper, towards), learning_rate=0.1, tally=Tally())
    assert stepper.skipped_in_a_row == 0


def test_a_stop_leaves_neither_gradients_nor_measurements():
    stepper, tally = _stepper(), Tally()
    before = _weights(stepper)

    def stopped(own):
        _pull(stepper, 1.0)(own)
        raise Interrupted("stop")

    with pytest.raises(Interrupted):
        stepper.take(stopped, learning_rate=0.5, tally=tally)
    assert torch.equal(_weights(stepper), before)
    assert _gradients(stepper) == [None, None]
    assert tally.values() == {}


def test_what_did_not_fit_is_done_again_in_smaller_portions_and_measured_once():
    stepper, tally, budgets = _stepper(), Tally(), []

    def short_of_memory(own):
        budgets.append(stepper.budget.tokens)
        _pull(stepper, 1.0)(own)
        if len(budgets) < 3:
            raise torch.OutOfMemoryError("no room")

    stepper.take(short_of_memory, learning_rate=0.5, tally=tally)
    assert budgets == [100, 50, 25]
    assert (tally.values()["seen"], tally.values()["grad_norm"]) == (1.0, pytest.approx(math.sqrt(8)))


def test_an_error_of_another_kind_is_not_taken_for_a_lack_of_memory():
    stepper = _stepper()

    def broken(own):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        stepper.take(broken, learning_rate=0.5, tally=Tally())
    assert stepper.budget.tokens == 100


def test_a_checkpoint_goes_on_to_the_very_same_weights():
    straight, resumed = _stepper(), _stepper()
    for towards in (1.0, -3.0, float("nan")):
        straight.take(_pull(straight, towards), learning_rate=0.1, tally=Tally())
    tensors, state = straight.pack()
    resumed.unpack({name: tensor.clone() for name, tensor in tensors.items()}, state)
    assert resumed.skipped_in_a_row == 1
    for stepper in (straight, resumed):
        stepper.take(_pull(stepper, 2.0), learning_rate=0.1, tally=Tally())
    assert torch.equal(_weights(straight), _weights(resumed))
