import torch

from rewardmodel.runtime.device import ComputeDevice
from rewardmodel.runtime.peak import find_peak

CPU = ComputeDevice(torch.device("cpu"), torch.float32)


def test_a_peak_is_measured_and_draws_no_random_number():
    before = torch.get_rng_state()
    peak = find_peak(CPU, None)
    assert torch.equal(torch.get_rng_state(), before)
    assert peak.source == "measured"
    # From a slow single core to many fast ones.
    assert 1e-3 < peak.tflops < 1e2
    assert "1024x1024 on cpu" in peak.note


def test_what_the_config_says_is_taken():
    assert find_peak(CPU, 989.0).to_dict() == {"tflops": 989.0, "source": "configured", "note": "as the config says"}


def test_an_unknown_device_has_none_and_says_why():
    peak = find_peak(ComputeDevice(torch.device("meta"), torch.float32), None)
    assert (peak.tflops, peak.source) == (None, "unknown")
    assert "'meta'" in peak.note and "model.peak_tflops" in peak.note
