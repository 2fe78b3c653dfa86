import os
import platform
import subprocess
import sys

import pytest
import torch

from rewardmodel.runtime.backbones import load_causal_model
from rltrainer.llama.products import can_pack
from rltrainer.rollouts.batched_sampler import BatchedSampler
from rltrainer.rollouts.engine import SamplingRequest, SamplingRules
from rltrainer.rollouts.packed_linear import packed_linears
from tests.rltrainer.run_folder import ROOT

DECODE = """
import sys, pathlib, torch
from rewardmodel.runtime.backbones import load_causal_model
from rltrainer.llama.products import can_pack
from rltrainer.rollouts.batched_sampler import BatchedSampler
from rltrainer.rollouts.engine import SamplingRequest, SamplingRules
model = load_causal_model(pathlib.Path(sys.argv[1]), dtype=torch.bfloat16)
request = SamplingRequest((5, 6, 7), (1,))
[[answer]] = BatchedSampler(model, batch_rows=4).sample([request], SamplingRules(5, frozenset()))
print(can_pack(), len(answer.token_ids))
"""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="only x86 can be taken for an older one")
def test_a_processor_that_cannot_pack_decodes_in_bfloat16_all_the_same(base):
    said = subprocess.run(
        [sys.executable, "-c", DECODE, str(base)],
        cwd=ROOT,
        # What oneDNN then may use is what older processors have.
        env={**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.stdout.split() == ["False", "5"], said.stderr


@pytest.mark.skipif(not can_pack(), reason="this processor packs no bfloat16")
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
