import pytest
import torch
from torch import nn

from rewardmodel.runtime.update_norm import SAMPLED_WEIGHTS, UpdateMeter, describe_update


def _whole(before, after):
    moved = sum(float((new - old).square().sum()) for old, new in zip(before, after, strict=True))
    return (moved / sum(float(old.square().sum()) for old in before)) ** 0.5


def _measure(parameters, changes):
    before = [parameter.detach().clone() for parameter in parameters]
    meter = UpdateMeter(parameters)
    meter.begin()
    with torch.no_grad():
        for parameter, change in zip(parameters, changes, strict=True):
            parameter.add_(change)
    found = describe_update([meter.squares()])["update_norm"]
    return found, _whole(before, [parameter.detach() for parameter in parameters])


def test_small_tensors_are_measured_whole():
    generator = torch.Generator().manual_seed(1)
    shapes = [(7, 5), (11,), (2, 3, 4)]
    parameters = [nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]
    found, expected = _measure(parameters, [torch.randn(shape, generator=generator) / 9 for shape in shapes])
    assert found == pytest.approx(expected, rel=1e-5)


def test_a_sample_of_large_tensors_tells_nearly_the_same():
    generator = torch.Generator().manual_seed(2)
    parameters = [nn.Parameter(torch.randn(600, 576, generator=generator)) for _ in range(3)]
    # Each column moves by another amount: a sample of a few columns would be far off.
    columns = torch.linspace(0, 1, 576).square() / 50
    found, expected = _measure(parameters, [columns * torch.randn(600, 576, generator=generator) for _ in range(3)])
    assert found == pytest.approx(expected, rel=0.04)


def test_tensors_weigh_by_their_size():
    parameters = [nn.Parameter(torch.ones(SAMPLED_WEIGHTS * 8, 1)), nn.Parameter(torch.ones(SAMPLED_WEIGHTS))]
    found, expected = _measure(parameters, [torch.zeros(SAMPLED_WEIGHTS * 8, 1), torch.full((SAMPLED_WEIGHTS,), 0.3)])
    assert found == pytest.approx(expected, rel=1e-5)
    assert found == pytest.approx(0.1, rel=1e-5)


def test_shards_add_up_and_weights_of_zero_have_no_measure():
    assert describe_update([(1.0, 16.0), (3.0, 48.0)]) == {"update_norm": 0.25}
    meter = UpdateMeter([nn.Parameter(torch.zeros(3)), nn.Parameter(torch.zeros(0))])
    meter.begin()
    assert describe_update([meter.squares()]) == {}
    assert describe_update([UpdateMeter([]).squares()]) == {}


def test_no_more_is_kept_than_the_sample():
    meter = UpdateMeter([nn.Parameter(torch.zeros(3000, 1000))])
    meter.begin()
    assert meter._before.untyped_storage().nbytes() <= 4 * SAMPLED_WEIGHTS
