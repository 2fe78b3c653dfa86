from pathlib import Path

import pytest
import torch

from rewardmodel.config_parsing import ConfigError
from rewardmodel.network import RewardNetwork, save_reward_model
from rewardmodel.runtime.backbones import load_backbone, load_causal_model, load_tokenizer
from rewardmodel.runtime.device import ComputeDevice
from rewardmodel.runtime.run_directory import RunDirectory
from rewardmodel.scorer import RewardScorer
from rltrainer.config import OnlineConfig, parse_config
from rltrainer.critic_network import CriticOrigin, find_origin, load_critic_network
from rltrainer.layouts import Cluster, lay_out
from rltrainer.policy import predicting_states
from rltrainer.value_head import foretell
from tests.tiny_model import make_tiny_model

EXACT = ComputeDevice(torch.device("cpu"), torch.float32)
MESSAGES = ({"role": "user", "content": "hello?"},)


@pytest.fixture
def judge(base: Path, tmp_path: Path) -> Path:
    """The folder of a reward model with a random head and a bias."""
    folder = tmp_path / "judge"
    folder.mkdir()
    network = RewardNetwork(load_backbone(base), seed=5)
    torch.nn.init.constant_(network.head.bias, 0.25)
    save_reward_model(network, folder, max_length_tokens=128, mean=0.5, std=0.1)
    load_tokenizer(base).save_pretrained(folder)
    return folder


def _load(origin, base, compute=EXACT, longest=64):
    return load_critic_network(origin, compute, tokenizer=load_tokenizer(base), longest=longest)


def test_it_begins_on_the_scale_of_the_rewards_bias_included(base, judge):
    network, _ = _load(CriticOrigin(judge, "reward.model", 3.0), base)
    scorer = RewardScorer(judge, EXACT)
    ids = scorer.renderer.render(MESSAGES, "well").token_ids
    found = network(torch.tensor([ids]), torch.tensor([len(ids)])).item()
    assert found == pytest.approx(3.0 * scorer.score([MESSAGES], ["well"])[0], rel=1e-4)


def test_without_a_reward_model_it_expects_nothing(base):
    network, masters = _load(CriticOrigin(base, "model.path", 1.0), base)
    assert network(torch.tensor([[1, 2]]), torch.tensor([2])).item() == 0
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert len(masters.parameters) == len(list(network.parameters()))


def test_in_bfloat16_the_masters_are_exact(base, judge):
    origin = CriticOrigin(judge, "reward.model", 1.0)
    _, exact = _load(origin, base)
    network, masters = _load(origin, base, ComputeDevice(torch.device("cpu"), torch.bfloat16))
    assert network.backbone.dtype == torch.bfloat16
    assert network.head.weight.dtype == torch.float32
    # Our own layers run it: the network's weights are the masters' upper halves, and there is no second copy.
    assert {id(parameter) for parameter in network.parameters()} == {id(own) for own in masters.parameters}
    assert {half.dtype for half in masters.lower_halves if half is not None} == {torch.int16}
    for name, tensor in exact.pack().items():
        assert torch.equal(masters.pack()[name], tensor)


def test_other_tokens_are_refused(base, tmp_path):
    other = make_tiny_model(tmp_path / "other")
    tokenizer = load_tokenizer(other)
    tokenizer.add_tokens(["<|new|>"])
    tokenizer.save_pretrained(other)
    network = load_causal_model(other)
    network.resize_token_embeddings(len(tokenizer))
    network.save_pretrained(other)
    with pytest.raises(ConfigError, match=r"reward\.model: the critic reads the policy's tokens.*'shared'"):
        _load(CriticOrigin(other, "reward.model", 1.0), base)


def test_too_few_positions_are_refused_by_the_key_that_names_the_folder(base):
    with pytest.raises(ConfigError, match=r"^critic\.path: 2000 tokens"):
        _load(CriticOrigin(base, "critic.path", 1.0), base, longest=2000)


@pytest.mark.parametrize(
    ("sections", "key", "scale"),
    [
        ({"reward": {"brevity_weight": 1.0}}, "model.path", 1.0),
        ({"reward": {"model": "judge", "model_weight": 0.5}}, "reward.model", 0.5),
        ({"reward": {"model": "judge", "model_weight": 0.5}, "critic": {"path": "other"}}, "critic.path", 0.5),
        ({"reward": {"model": "judge", "model_weight": 0.0, "brevity_weight": 1.0}}, "model.path", 1.0),
        ({"reward": {"brevity_weight": 1.0}, "critic": {"path": "other"}}, "critic.path", 1.0),
    ],
)
def test_where_it_begins(tmp_path, sections, key, scale):
    config = parse_config({"kind": "ppo", "model": {"path": "base"}, **sections})
    assert isinstance(config, OnlineConfig)
    origin = find_origin(RunDirectory(tmp_path), config)
    assert (origin.key, origin.scale) == (key, scale)
    assert origin.folder.name == {"model.path": "base", "reward.model": "judge", "critic.path": "other"}[key]


def test_gradients_in_bfloat16_are_those_of_float32_but_for_rounding(base, judge):
    layout = lay_out([Cluster((5, 6, 7), ((8, 9), (10, 11, 12)), (0, 1))], device=torch.device("cpu"))
    found = []
    for dtype in (torch.float32, torch.bfloat16):
        compute = ComputeDevice(torch.device("cpu"), dtype)
        network, masters = _load(CriticOrigin(judge, "reward.model", 1.0), base, compute)
        foretell(network.head, predicting_states(network.backbone, layout)).square().sum().backward()
        masters.collect()
        found.append(torch.cat([own.grad.flatten() for own in masters.parameters]))
    assert found[1].dtype == torch.float32
    assert float((found[1] - found[0]).norm() / found[0].norm()) < 2e-2
