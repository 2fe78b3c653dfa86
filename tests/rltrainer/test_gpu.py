"""The same trainer on a GPU: nothing here is run without one.

python -m pytest -m gpu tests/rltrainer/test_gpu.py
"""

import logging

import pytest
import torch
from safetensors.torch import load_file

from rewardmodel.__main__ import main as reward_model_command
from rewardmodel.runtime.backbones import load_causal_model
from rltrainer.config_learning import KLConfig, LossConfig
from rltrainer.llama.body import find_body
from rltrainer.memory import is_out_of_memory, measure_budget
from rltrainer.policy import Policy
from rltrainer.rollouts import graphed_decoder
from rltrainer.rollouts.batched_sampler import BatchedSampler
from rltrainer.rollouts.engine import SamplingRequest, SamplingRules
from tests.rewardmodel.preferences import make_run as make_reward_run
from tests.rewardmodel.preferences import write_config
from tests.rltrainer.gradients import make_rows, plain_step, relative_error, step_gradient
from tests.rltrainer.offline.run_folder import make_offline_run, offline_config
from tests.rltrainer.run_folder import grpo_config, make_run, ppo_config, read_json, read_rows, run

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU is here")]

REQUESTS = [
    SamplingRequest(ids, tuple(range(number * 10, number * 10 + 4)))
    for number, ids in enumerate([(5, 6, 7), (8, 9, 10, 11, 12, 13), (14,)])
]


@pytest.fixture
def on_gpu(base):
    return load_causal_model(base).to("cuda").requires_grad_(False)


def _sample(model, *, stop_ids=frozenset(), max_new_tokens=40):
    return BatchedSampler(model, batch_rows=12).sample(REQUESTS, SamplingRules(max_new_tokens, stop_ids))


class TestSampling:
    @pytest.mark.parametrize("stops", [frozenset(), frozenset(token for token in range(261) if token % 8 == 0)])
    def test_a_recorded_step_samples_what_the_cpu_samples(self, on_gpu, model, stops, caplog):
        caplog.set_level(logging.WARNING)
        found, expected = _sample(on_gpu, stop_ids=stops), _sample(model, stop_ids=stops)
        assert graphed_decoder.can_record(on_gpu)
        assert not caplog.records
        for own, other in zip(found, expected, strict=True):
            for one, two in zip(own, other, strict=True):
                assert one.token_ids == two.token_ids
                assert one.log_probs == pytest.approx(two.log_probs, abs=1e-4)

    def test_buffers_that_grow_are_recorded_anew(self, on_gpu, model, monkeypatch):
        monkeypatch.setattr(graphed_decoder, "GROWTH_TOKENS", 64)
        found, expected = _sample(on_gpu, max_new_tokens=300), _sample(model, max_new_tokens=300)
        for own, other in zip(found, expected, strict=True):
            assert [one.token_ids for one in own] == [two.token_ids for two in other]

    def test_weights_that_move_count_in_the_next_sample(self, on_gpu):
        before = _sample(on_gpu)
        with torch.no_grad():
            on_gpu.get_output_embeddings().weight.mul_(-1.0)
        assert _sample(on_gpu) != before

    def test_a_network_that_asks_the_cpu_in_between_is_told_of_and_goes_on(self, on_gpu, model, caplog):
        def ask(module, inputs, output):
            output.sum().item()

        handle = on_gpu.model.layers[0].mlp.register_forward_hook(ask)
        caplog.set_level(logging.WARNING)
        found, expected = _sample(on_gpu), _sample(model)
        assert [c.token_ids for own in found for c in own] == [c.token_ids for own in expected for c in own]
        assert "cannot be recorded as a CUDA graph" in caplog.text
        handle.remove()
        assert not graphed_decoder.can_record(on_gpu)
        again = _sample(on_gpu)
        assert [c.token_ids for own in again for c in own] == [c.token_ids for own in expected for c in own]

    def test_sampler_and_trainer_give_the_same_log_probs(self, on_gpu):
        answers = _sample(on_gpu)
        pairs = [
            (request.prompt_ids, completion.token_ids)
            for request, own in zip(REQUESTS, answers, strict=True)
            for completion in own
        ]
        scored = Policy(on_gpu, temperature=1.0, micro_batch_tokens=1000).log_probs(pairs)
        sampled = [completion.log_probs for own in answers for completion in own]
        for one, two in zip(scored, sampled, strict=True):
            assert one == pytest.approx(two, abs=1e-4)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
@pytest.mark.parametrize("aggregation", ["grpo", "token_mean", "dr_grpo"])
def test_the_gradient_is_that_of_the_plain_float32_path_on_the_cpu(base, model, dtype, tolerance, aggregation):
    rows = make_rows(model)
    options = {"loss": LossConfig(aggregation=aggregation), "kl": KLConfig(coefficient=0.3)}
    expected = plain_step(model, rows, **options)
    found = step_gradient(load_causal_model(base, dtype=dtype).to("cuda"), rows, **options)
    assert relative_error(found.gradient.cpu(), expected.gradient) < tolerance
    assert found.loss == pytest.approx(expected.loss, abs=tolerance)


KINDS = {
    "grpo": lambda base: grpo_config(base, kl={"coefficient": 0.1}),
    "grpo with adapters": lambda base: grpo_config(base, model={"adapter_rank": 2}),
    "dapo": lambda base: {
        **grpo_config(
            base,
            dynamic_sampling={"stale_steps": 1, "max_batches": 3},
            reward={"brevity_weight": 0.0, "function": "tests.rltrainer.toy_rewards:share_of_wanted"},
        ),
        "kind": "dapo",
    },
    "ppo": lambda base: ppo_config(base, critic={"kind": "separate"}),
    "ppo, shared": lambda base: ppo_config(base, critic={"kind": "shared"}),
}


def _on_gpu(config, precision):
    return {**config, "model": {**config["model"], "device": "cuda", "precision": precision}}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_policy_run_goes_to_its_end(base, tmp_path, kind, precision):
    folder = make_run(tmp_path / "run", _on_gpu(KINDS[kind](base), precision))
    assert run("train", folder) == (0, "")
    values = [row["values"] for row in read_rows(folder / "metrics.jsonl")]
    assert len(values) == 6
    assert all(own["peak_device_memory_mib"] > 0 for own in values)
    assert torch.cuda.get_device_name() in read_json(folder / "status.json")["device"]
    if kind != "grpo with adapters":
        before, after = load_file(base / "model.safetensors"), load_file(folder / "model" / "model.safetensors")
        assert not all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("kind", ["sft", "dpo"])
def test_learning_from_records_goes_to_its_end(base, tmp_path, kind):
    folder = make_offline_run(tmp_path / "run", _on_gpu(offline_config(kind, base), "bfloat16"))
    assert run("train", folder) == (0, "")


def test_a_run_is_taken_up_from_its_checkpoint(base, tmp_path):
    straight = make_run(tmp_path / "straight", _on_gpu(grpo_config(base), "float32"))
    assert run("train", straight) == (0, "")
    broken = make_run(tmp_path / "broken", _on_gpu(grpo_config(base, stop={"steps": 4}), "float32"))
    assert run("train", broken) == (0, "")
    (broken / "result.json").unlink()
    (broken / "config.json").write_text((straight / "config.json").read_text())
    assert run("train", broken) == (0, "")
    mine, theirs = (load_file(folder / "model" / "model.safetensors") for folder in (broken, straight))
    # Sums on a GPU come in no fixed order, so that bits may differ.
    assert all(torch.allclose(mine[name], theirs[name], atol=1e-4) for name in mine)


def test_a_reward_model_is_trained(tmp_path):
    folder = make_reward_run(tmp_path / "run", train_pairs=48)
    config = read_json(folder / "config.json")
    write_config(folder, {**config, "compute": {**config.get("compute", {}), "device": "cuda"}})
    assert reward_model_command(["train", str(folder)]) == 0


def test_the_size_of_micro_batches_follows_from_the_gpus_memory(base):
    model = load_causal_model(base).to("cuda")
    budget = measure_budget(
        lambda tokens: model(torch.zeros(1, tokens, dtype=torch.int64, device="cuda")).logits,
        device=torch.device("cuda"),
        trained=0,
    )
    assert budget.tokens == 16_384
    with pytest.raises(torch.OutOfMemoryError) as caught:
        torch.empty(2**45, dtype=torch.uint8, device="cuda")
    assert is_out_of_memory(caught.value)


def test_transformers_runs_what_is_on_a_gpu(on_gpu):
    assert find_body(on_gpu) is None
