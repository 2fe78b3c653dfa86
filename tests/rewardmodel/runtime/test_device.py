import pytest
import torch

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.device import ComputeDevice, choose_threads, restore_threads, select_device

CPU = ComputeDevice(torch.device("cpu"), torch.float32)


@pytest.mark.parametrize(
    ("cores", "load", "threads"), [(2, 0.1, 2), (2, 1.5, 2), (2, 1.6, 1), (1, 9.0, 1), (16, 2.0, 16), (16, 15.0, 15)]
)
def test_a_busy_machine_keeps_one_core(cores: int, load: float, threads: int) -> None:
    assert choose_threads(cores=cores, load=load) == threads


def test_the_choice_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0, 1, 2})
    monkeypatch.setattr("os.getloadavg", lambda: (3.0, 0.0, 0.0))
    assert select_device(device="cpu", precision="float32").name == "cpu (2 of 3 cores, float32)"
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert select_device(device="cpu", precision="float32").name == "cpu (1 of 3 cores, float32)"
    assert select_device(device="cpu", precision="float32", threads=2).name == "cpu (2 of 3 cores, float32)"


def test_a_resumed_run_takes_the_threads_of_its_checkpoint() -> None:
    restore_threads(CPU, 2)
    assert torch.get_num_threads() == 2
    restore_threads(CPU, None)
    assert torch.get_num_threads() == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_an_absent_gpu_is_named_by_its_key() -> None:
    with pytest.raises(ConfigError, match=r"^compute\.device: 'cuda' is asked for"):
        select_device(device="cuda", section="compute")
