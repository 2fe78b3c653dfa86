import os
import shutil

import pytest
import torch

from rewardmodel.runtime.backbones import load_causal_model
from rltrainer.filed_weights import file_weights, view_weights
from rltrainer.policy import Policy


def _frozen(folder, **options):
    return load_causal_model(folder, **options).requires_grad_(False)


def test_filed_weights_are_the_loaded_ones_in_use_and_between(base):
    pairs = [((5, 6, 7), (8, 9)), ((5, 6, 7), (10,))]
    expected = Policy(_frozen(base), temperature=1.0, micro_batch_tokens=100).log_probs(pairs)
    network = _frozen(base)
    owned = {name: parameter.data_ptr() for name, parameter in network.named_parameters()}
    weights = file_weights(network, base)
    assert all(parameter.data_ptr() != owned[name] for name, parameter in network.named_parameters())
    policy = Policy(network, temperature=1.0, micro_batch_tokens=100)
    assert policy.log_probs(pairs) == expected
    weights.take()
    assert policy.log_probs(pairs) == expected
    weights.release()
    assert policy.log_probs(pairs) == expected


def test_a_file_that_became_shorter_is_an_error_that_names_it(base, tmp_path):
    folder = shutil.copytree(base, tmp_path / "model")
    weights = file_weights(_frozen(folder), folder)
    os.truncate(folder / "model.safetensors", 4096)
    with pytest.raises(OSError, match=r"model\.safetensors has become shorter"):
        weights.take()
    weights.release()


def test_weights_of_another_precision_stay_where_they_are(base):
    network = _frozen(base, dtype=torch.bfloat16)
    owned = [parameter.data_ptr() for parameter in network.parameters()]
    file_weights(network, base).release()
    assert [parameter.data_ptr() for parameter in network.parameters()] == owned


def test_weights_that_learn_are_never_mapped(base):
    network = load_causal_model(base).requires_grad_(True)
    owned = [parameter.data_ptr() for parameter in network.parameters()]
    file_weights(network, base)
    assert [parameter.data_ptr() for parameter in network.parameters()] == owned


def test_what_learns_is_seen_in_its_file_exactly_and_costs_no_second_network(base):
    network = load_causal_model(base, dtype=torch.bfloat16).requires_grad_(True)
    exact = dict(load_causal_model(base).named_parameters())
    found = view_weights(network, base)
    assert found is not None
    assert found.keys() == exact.keys()
    assert all(torch.equal(tensor, exact[name]) for name, tensor in found.items())


def test_a_network_whose_weights_the_files_do_not_hold_by_name_is_not_seen_there(base):
    network = load_causal_model(base).requires_grad_(True)
    network.register_parameter("another", torch.nn.Parameter(torch.zeros(2)))
    assert view_weights(network, base) is None
    network.get_parameter("another").requires_grad_(False)
    assert view_weights(network, base) is not None
