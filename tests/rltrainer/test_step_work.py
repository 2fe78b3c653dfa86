import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from rewardmodel.runtime.device import ComputeDevice
from rewardmodel.runtime.peak import DevicePeak
from rltrainer.layouts import Cluster
from rltrainer.ranks import SINGLE
from rltrainer.step_work import OPERATIONS, PeakWatch, WorkCount, add_up, count_places, measure_size
from rltrainer.tally import Tally

CLUSTERS = [Cluster((1, 2, 3), ((4, 5), (6,)), (0, 1)), Cluster((1,), ((2, 3),), (2,))]
"""6 and 3 tokens, 5 of them of completions."""


def _network(*, tied=False):
    config = LlamaConfig(
        vocab_size=20, hidden_size=8, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, tie_word_embeddings=tied,
    )  # fmt: skip
    return LlamaForCausalLM(config)


# Queries and outputs 8x8, keys and values 4x8, three of 8x16, three norms of 8.
BODY = 2 * 64 + 2 * 32 + 3 * 128 + 3 * 8
HEAD = 20 * 8


@pytest.mark.parametrize("tied", [False, True])
def test_six_operations_a_weight_and_token_the_head_for_completions_alone(tied):
    size = measure_size(_network(tied=tied))
    assert size.operations(CLUSTERS, with_gradient=True) == 6 * (BODY * 9 + HEAD * 5)
    assert size.operations(CLUSTERS, with_gradient=False) == 2 * (BODY * 9 + HEAD * 5)


def test_frozen_weights_have_no_gradient_to_compute():
    network = _network()
    network.requires_grad_(False)
    network.model.norm.requires_grad_(True)
    found = measure_size(network).operations(CLUSTERS, with_gradient=True)
    assert found == 4 * (BODY * 9 + HEAD * 5) + 2 * 8 * 9


def test_padding_is_what_rows_of_one_length_add():
    assert count_places(CLUSTERS, padded=True) == (9, 12)
    assert count_places(CLUSTERS, padded=False) == (9, 9)


def test_padding_of_all_micro_batches_is_one_share():
    class Other(LlamaForCausalLM):
        """Not known to our own layers for its position embeddings."""

    network = Other(LlamaConfig(**{**_network().config.to_dict(), "model_type": "llama"}))
    network.config.model_type = "unheard-of"
    tally = Tally()
    WorkCount(network).note([CLUSTERS, [CLUSTERS[1]]], tally)
    assert tally.values()["padding_fraction"] == pytest.approx(3 / 15)
    own = Tally()
    WorkCount(_network()).note([CLUSTERS], own)
    assert own.values() == {"padding_fraction": 0.0, OPERATIONS: 6 * (BODY * 9 + HEAD * 5)}


def test_the_share_of_the_peak():
    watch = PeakWatch(ComputeDevice(torch.device("cpu"), torch.float32), configured=2.0, ranks=SINGLE)
    measured = {OPERATIONS: 3e12, "loss": 1.0}
    assert watch.describe(measured, 3.0) == {"tflops_train": 1.0, "peak_share_train": 0.5}
    assert measured == {"loss": 1.0}
    assert watch.describe({"loss": 1.0}, 3.0) == {}
    assert watch.describe({OPERATIONS: 1.0}, None) == {}


def test_without_a_peak_the_share_is_null_and_the_rate_is_not():
    watch = PeakWatch(ComputeDevice(torch.device("meta"), torch.float32), configured=None, ranks=SINGLE)
    assert watch.describe({OPERATIONS: 1e12}, 1.0) == {"tflops_train": 1.0, "peak_share_train": None}
    assert watch.peak.source == "unknown"


def test_devices_add_up_and_one_unknown_leaves_all_unknown():
    one, none = DevicePeak(1.5, "measured", "a product"), DevicePeak(None, "unknown", "no idea")
    assert add_up([one, one]) == DevicePeak(3.0, "measured", "a product, 2 of them")
    assert add_up([one, none]) == none
