"""The families that docs/howto/policies.md names: what works and what is refused, on tiny random models."""

import re
from pathlib import Path

import pytest
import torch

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.backbones import load_causal_model
from rltrainer.adapters import adapters_off, add_adapters, merge_adapters
from rltrainer.architecture import require_full_attention, require_plain_head
from rltrainer.policy import Policy
from rltrainer.rollouts.batched_sampler import BatchedSampler
from rltrainer.rollouts.engine import SamplingRequest, SamplingRules
from tests.rltrainer.model_families import FAMILIES, make_family

PAIRS = [((5, 6, 7), (20, 21, 22, 9, 8)), ((5, 6, 7), (30,)), ((100, 101, 102, 103, 104, 105), (7, 8, 9))]
DENSE = ("Llama", "Mistral", "Qwen 2", "Qwen 3", "Gemma 3", "Phi-3", "OLMo 2", "SmolLM3", "GPT-2", "GPT-NeoX")
REFUSED = {
    "Gemma 2": "caps its logits",
    "Bloom": "tells positions by its mask",
    "Falcon": "tells positions by its mask",
    "Mamba": "linear_attention",
}
TOKENS = 12


def _load(folder):
    model = load_causal_model(folder)
    require_plain_head(model)
    require_full_attention(model, 6 + TOKENS)
    return model


@torch.no_grad()
def _plain_log_probs(model):
    """By transformers alone, a sequence at a time."""
    found = []
    for prompt, completion in PAIRS:
        logits = model(input_ids=torch.tensor([[*prompt, *completion]]), use_cache=False).logits[0]
        rows = logits[len(prompt) - 1 : -1].float().log_softmax(dim=-1)
        found += rows.gather(1, torch.tensor(completion)[:, None])[:, 0].tolist()
    return found


def _own_log_probs(model):
    rows = Policy(model, temperature=1.0, micro_batch_tokens=64).log_probs(PAIRS)
    return [value for row in rows for value in row]


@torch.no_grad()
def _plain_likeliest(model, prompt):
    ids = list(prompt)
    for _ in range(TOKENS):
        ids.append(int(model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].argmax()))
    return tuple(ids[len(prompt) :])


@pytest.mark.parametrize("family", [*DENSE, "Mixtral"])
def test_the_trainer_scores_and_samples_as_the_model_itself_does(tmp_path, family):
    model = _load(make_family(tmp_path, family))
    assert _own_log_probs(model) == pytest.approx(_plain_log_probs(model), abs=1e-5)
    requests = [SamplingRequest(prompt, (1,)) for prompt, _ in PAIRS]
    answers = BatchedSampler(model, batch_rows=4).sample(requests, SamplingRules(TOKENS, frozenset({259}), 0.0))
    for (prompt, _), (answer,) in zip(PAIRS, answers, strict=True):
        assert answer.token_ids == _plain_likeliest(model, prompt)[: len(answer.token_ids)]


@pytest.mark.parametrize("family", DENSE)
def test_adapters_move_the_model_and_merge_into_it(tmp_path, family):
    model = _load(make_family(tmp_path, family))
    before = _plain_log_probs(model)
    add_adapters(model, rank=2, alpha=8.0)
    torch.manual_seed(0)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    adapted = _own_log_probs(model)
    assert adapted != pytest.approx(before, abs=1e-2)
    with adapters_off(model):
        assert _plain_log_probs(model) == before
    merge_adapters(model)
    assert _plain_log_probs(model) == pytest.approx(adapted, abs=1e-5)


def test_adapters_that_would_leave_experts_out_are_refused(tmp_path):
    model = _load(make_family(tmp_path, "Mixtral"))
    refusal = (
        r"^model\.adapter_rank: MixtralForCausalLM keeps 6 of its matrices outside of linear layers, first model\."
    )
    with pytest.raises(ConfigError, match=refusal):
        add_adapters(model, rank=2, alpha=8.0)
    assert not [name for name, _ in model.named_parameters() if "lora" in name]


@pytest.mark.parametrize("family", REFUSED)
def test_what_the_trainer_cannot_compute_is_refused_by_name(tmp_path, family):
    folder = make_family(tmp_path, family)
    with pytest.raises(ConfigError, match=rf"^model\.path: .*{REFUSED[family]}"):
        _load(folder)


def test_every_family_that_was_tried_is_in_the_guide():
    text = (Path(__file__).parents[2] / "docs/howto/policies.md").read_text()
    section = text.partition("## Which models")[2].partition("\n## ")[0]
    assert {name for name in FAMILIES if not re.search(rf"\b{re.escape(name)}\b", section)} == set()
    assert {*DENSE, "Mixtral", *REFUSED} == FAMILIES.keys()
