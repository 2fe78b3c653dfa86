import gc

import pytest
import torch

from rewardmodel.runtime.faults import Diverged
from rltrainer import memory
from rltrainer.layouts import Cluster
from rltrainer.memory import MicroBatchBudget, fit_tokens, is_out_of_memory, measure_budget, measure_kept_bytes
from rltrainer.policy import Policy

CPU = torch.device("cpu")


def test_a_budget_halves_until_no_completion_would_fit():
    budget = MicroBatchBudget(64)
    budget.halve()
    budget.halve()
    assert budget.tokens == 16
    with pytest.raises(Diverged, match="out of memory even with micro-batches of 16 tokens"):
        budget.halve()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory"),
            True,
        ),
        (RuntimeError("size mismatch"), False),
        (ValueError("can't allocate memory"), False),
    ],
)
def test_what_counts_as_out_of_memory(error, expected):
    assert is_out_of_memory(error) is expected


def test_the_real_allocators_error_is_known():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert is_out_of_memory(caught.value)


def test_tokens_that_fit():
    assert fit_tokens(bytes_per_token=1000.0, free=1_000_000.0, fastest=4096) == 600
    assert fit_tokens(bytes_per_token=1000.0, free=1e12, fastest=4096) == 4096
    assert fit_tokens(bytes_per_token=1000.0, free=-5.0, fastest=4096) == memory.LEAST_TOKENS


def test_kept_bytes_are_those_of_saved_tensors():
    left, right = torch.ones(10, 20, requires_grad=True), torch.ones(20, 30, requires_grad=True)
    assert measure_kept_bytes(lambda: left @ right) == 4 * (200 + 600)
    assert measure_kept_bytes(lambda: (left + 1).detach()) == 0


def test_a_measured_pass_leaves_nothing_behind(model):
    """A graph that holds itself would stay for the whole run where nothing else makes the collector go round."""
    policy = Policy(model.requires_grad_(True), temperature=1.0, micro_batch_tokens=1024)
    forward = lambda: policy.score([Cluster((0,), ((0,) * 20,), (0,))])  # noqa: E731
    measure_kept_bytes(forward)
    gc.collect()
    gc.disable()
    try:
        before = count_tensors()
        assert measure_kept_bytes(forward) > 0
        assert count_tensors() == before
    finally:
        gc.enable()


def count_tensors():
    return sum(issubclass(type(each), torch.Tensor) for each in gc.get_objects())


def test_a_real_policy_gets_fewer_tokens_where_less_is_free(model, monkeypatch):
    policy = Policy(model.requires_grad_(True), temperature=1.0, micro_batch_tokens=1024)
    forward = lambda tokens: policy.score([Cluster((0,), ((0,) * (tokens - 1),), (0,))])  # noqa: E731
    trained = sum(parameter.numel() for parameter in model.parameters())
    assert measure_budget(forward, device=CPU, trained=trained).tokens == memory.FASTEST_TOKENS["cpu"]
    monkeypatch.setattr(memory, "free_bytes", lambda device: memory.TRAINING_BYTES * trained + 500_000)
    tight = measure_budget(forward, device=CPU, trained=trained).tokens
    assert memory.LEAST_TOKENS < tight < 600
    assert all(parameter.grad is None for parameter in model.parameters())
