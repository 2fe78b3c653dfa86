import pytest
import torch

from rltrainer.tally import Tally


def test_micro_batches_of_unequal_size_weigh_right():
    tally = Tally()
    tally.add_mean("x", torch.tensor([1.0, 2.0, 9.0]), torch.tensor([True, True, False]))
    tally.add_mean("x", torch.tensor([6.0]))
    tally.add_sum("loss", 0.25)
    tally.add_sum("loss", 0.5)
    tally.add_extremes("r", torch.tensor([1.0, 3.0]))
    tally.add_extremes("r", torch.tensor([-1.0, 7.0]), torch.tensor([True, False]))
    assert tally.values() == pytest.approx({"x": 3.0, "loss": 0.75, "r_min": -1.0, "r_max": 3.0})


def test_a_value_may_count_as_often_as_its_weight_says():
    tally = Tally()
    tally.add_mean("x", torch.tensor([1.0, 4.0]), weights=torch.tensor([1.0, 2.0]))
    mask = torch.tensor([[True, True], [True, False]])
    tally.add_mean("y", torch.tensor([[1.0, 2.0], [6.0, 9.0]]), mask, weights=torch.tensor([[1.0], [3.0]]))
    assert tally.values() == pytest.approx({"x": 3.0, "y": 21 / 5})


def test_a_mean_over_nothing_is_left_out():
    tally = Tally()
    tally.add_mean("x", torch.zeros(2), torch.zeros(2, dtype=torch.bool))
    tally.add_extremes("r", torch.zeros(0))
    assert tally.values() == {}


def test_measurements_can_go_by_another_name():
    tally = Tally()
    tally.add_mean("norm", torch.tensor([1.0, 3.0]))
    tally.add_sum("steps", 2.0)
    tally.add_extremes("gap", torch.tensor([1.0, 2.0]))
    assert tally.renamed(norm="critic_norm").values() == {
        "critic_norm": 2.0,
        "steps": 2.0,
        "gap_min": 1.0,
        "gap_max": 2.0,
    }


def test_settled_sums_of_several_steps_become_their_mean():
    tally = Tally()
    for parts in ((1.0, 2.0), (5.0,)):
        step = Tally()
        for value in parts:
            step.add_sum("loss", value)
        step.settle("loss", "absent")
        tally.merge(step)
    assert tally.values() == {"loss": 4.0}


def test_a_share_is_that_of_the_sums_however_they_came_together():
    first, second = Tally(), Tally()
    first.add_share("padding", 1, 10)
    second.add_share("padding", 5, 20)
    first.merge(second)
    assert first.values() == {"padding": 0.2}
    second.add_share("none", 0, 0)
    assert "none" not in second.values()
