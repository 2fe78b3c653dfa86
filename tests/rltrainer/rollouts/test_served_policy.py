import shutil

import pytest
import torch
from peft import PeftModel

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.backbones import load_causal_model
from rltrainer.adapters import add_adapters
from rltrainer.config import parse_config
from rltrainer.policy import Policy
from rltrainer.rollouts.engine import SamplingRequest, SamplingRules
from rltrainer.rollouts.served_policy import ServedPolicy, publish_adapters, publish_weights, require_served_folder
from rltrainer.value_head import attach_value_head
from tests.rltrainer.rollouts.fake_vllm import serving
from tests.rltrainer.run_folder import grpo_config, make_run, read_rows, run

PAIRS = [((5, 6, 7), (8, 9)), ((5, 6, 7), (10,))]
RULES = SamplingRules(2, frozenset())


class Server:
    """Notes what it is told."""

    def __init__(self):
        self.told = []

    def sample(self, requests, rules):
        self.told.append("sample")
        return []

    def load_adapter(self, folder):
        self.told.append(folder)

    def reload_weights(self):
        self.told.append("reload")


def _log_probs(model):
    return Policy(model, temperature=1.0, micro_batch_tokens=100).log_probs(PAIRS)


def _moved(model):
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def test_weights_are_brought_before_sampling_whenever_they_have_moved():
    server, version = Server(), [7]
    engine = ServedPolicy(server, lambda number: server.told.append(number), lambda: version[0])
    engine.sample([SamplingRequest((1,), (1,))], RULES)
    engine.sample([], RULES)
    version[0] = 8
    engine.sample([], RULES)
    assert server.told == [7, "sample", "sample", 8, "sample"]


def test_the_served_folder_gets_the_policys_own_weights(base, tmp_path):
    folder = shutil.copytree(base, tmp_path / "served")
    policy = _moved(load_causal_model(base))
    expected = _log_probs(policy)
    attach_value_head(policy)
    publish_weights(server := Server(), policy, folder, dtype=torch.float32)
    assert server.told == ["reload"]
    assert _log_probs(load_causal_model(folder)) == expected
    assert {path.name for path in folder.iterdir()} == {path.name for path in base.iterdir()}


def test_adapters_are_filed_as_peft_reads_them_and_old_ones_go(base, tmp_path):
    policy = load_causal_model(base).requires_grad_(False)
    add_adapters(policy, rank=2, alpha=16.0)
    _moved_adapters = [p for name, p in policy.named_parameters() if "lora_B" in name]
    for number, parameter in enumerate(_moved_adapters):
        torch.nn.init.normal_(parameter, std=0.05, generator=torch.Generator().manual_seed(number))
    server = Server()
    for version in (1, 2, 10):
        publish_adapters(server, policy, tmp_path, version)
    assert server.told == [tmp_path / f"adapter-{version}" for version in (1, 2, 10)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adapter-10", "adapter-2"]
    read = PeftModel.from_pretrained(load_causal_model(base), tmp_path / "adapter-10").merge_and_unload()
    for found, expected in zip(_log_probs(read), _log_probs(policy), strict=True):
        assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("spoil", ["absent", "two files", "no config"])
def test_a_folder_that_the_server_cannot_be_reading_is_refused(base, tmp_path, spoil):
    folder = tmp_path / "served"
    if spoil != "absent":
        shutil.copytree(base, folder)
    if spoil == "two files":
        shutil.copy(folder / "model.safetensors", folder / "model-2.safetensors")
    if spoil == "no config":
        (folder / "config.json").unlink()
    with pytest.raises(ConfigError, match=r"rollout\.vllm_folder"):
        require_served_folder(folder, adapters=False)


@pytest.mark.parametrize(
    ("sections", "fault"),
    [
        ({"rollout": {"engine": "vllm"}}, "rollout.vllm_url: is missing"),
        ({"rollout": {"engine": "vllm"}}, "rollout.vllm_folder: is missing"),
        ({"rollout": {"vllm_url": "http://x"}}, "rollout.vllm_url: has no effect"),
        (
            {"rollout": {"engine": "vllm", "vllm_url": "u", "vllm_folder": "f"}, "model": {"processes": 2}},
            "model.processes: rollout.engine 'vllm' runs in one process",
        ),
    ],
)
def test_settings_that_do_not_fit_the_engine_are_refused_by_name(base, sections, fault):
    with pytest.raises(ConfigError) as caught:
        parse_config(grpo_config(base, **sections))
    assert any(line.startswith(fault) for line in caught.value.faults)


def test_a_run_learns_from_what_a_server_samples_with_the_weights_of_each_step(base, tmp_path):
    folder = shutil.copytree(base, tmp_path / "served")
    with serving() as server:
        published = []
        answer = server.complete

        def complete(body):
            published.append((folder / "model.safetensors").read_bytes())
            # Of another length with each seed, so that there is something to learn.
            return answer({**body, "prompt": [min(body["stop_token_ids"]) - 1 - body["seed"] % 6]})

        server.complete = complete
        address = f"http://127.0.0.1:{server.server_port}"
        rollout = {"engine": "vllm", "vllm_url": address, "vllm_folder": str(folder), "group_size": 2}
        home = make_run(tmp_path / "run", grpo_config(base, rollout=rollout, stop={"steps": 2}))
        assert run("train", home) == (0, "")
        reloads = [path for path, _ in server.seen if path == "/collective_rpc"]
    assert len(reloads) == 2
    assert len(set(published)) == 2
    assert [row["step"] for row in read_rows(home / "metrics.jsonl")] == [1, 2]
