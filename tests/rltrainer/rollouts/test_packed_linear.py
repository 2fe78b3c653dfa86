import pytest
import torch

from rewardmodel.runtime.backbones import load_causal_model
from rltrainer.rollouts.batched_sampler import BatchedSampler
from rltrainer.rollouts.engine import SamplingRequest, SamplingRules
from rltrainer.rollouts.packed_linear import packed_linears

needs_mkldnn = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN")


@needs_mkldnn
@pytest.mark.parametrize("bias", [False, True])
def test_packed_products_are_those_of_the_plain_layer(bias):
    layer = torch.nn.Linear(32, 48, bias=bias).to(torch.bfloat16)
    inputs = torch.randn(16, 1, 32, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16)
    with torch.inference_mode():
        expected = layer(inputs)
        with packed_linears(layer, rows=16):
            assert "forward" in layer.__dict__
            torch.testing.assert_close(layer(inputs), expected, atol=2e-2, rtol=2e-2)
    assert "forward" not in layer.__dict__


def test_float32_networks_stay_as_they_are(model):
    with packed_linears(model, rows=16):
        assert not any("forward" in module.__dict__ for module in model.modules())


def test_the_sampler_sees_new_weights_at_its_next_call(base):
    model = load_causal_model(base, dtype=torch.bfloat16)
    sampler, rules = BatchedSampler(model, batch_rows=4), SamplingRules(5, frozenset(), 0.0)
    request = SamplingRequest((5, 6, 7), (1,))
    before = sampler.sample([request], rules)
    with torch.no_grad():
        model.get_input_embeddings().weight.copy_(model.get_input_embeddings().weight.flip(0))
    assert sampler.sample([request], rules) != before
