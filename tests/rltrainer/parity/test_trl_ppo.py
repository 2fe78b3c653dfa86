"""Completions that end before the longest allowed: where PPO of TRL 1.12 is meant to differ, and how.

We put a completion's reward at its last token and end the sum there; TRL puts it one place later, on padding, and keeps
the critic's value of that place, which is then learned from as well. Nothing else differs. What is the same in both, in
completions that fill all places, stands in test_ppo.py.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification

from rewardmodel.network import RewardNetwork
from rewardmodel.records import PromptRecord
from rewardmodel.runtime.backbones import load_backbone, load_causal_model, load_tokenizer
from rewardmodel.runtime.master_weights import MasterWeights
from rltrainer.algorithms.actor_critic import ActorCritic
from rltrainer.algorithms.algorithm import Evidence
from rltrainer.algorithms.policy_loss import stack
from rltrainer.config_learning import GAEConfig, KLConfig, LossConfig, OptimizerConfig
from rltrainer.critic import Critic
from rltrainer.gae import generalised_advantages
from rltrainer.memory import MicroBatchBudget
from rltrainer.optimization import build_adamw
from rltrainer.policy import Policy
from rltrainer.records import Completion, EncodedPrompt, Group
from rltrainer.tally import Tally
from rltrainer.weight_stepper import WeightStepper
from tests.tiny_model import make_tiny_model

pytestmark = pytest.mark.xdist_group("trl112")

WIDTH, END = 6, 259
PROMPTS = [(5, 6, 7), (8, 9, 10, 11), (12, 13), (14, 15, 16, 17, 18)]
RESPONSES = [(30, 31, END), (40, 41, 42, 43, 44, 45), (50, END), (60, 61, 62, 63, END)]
PRICE, MISSING_END = 0.1, 0.75
OPTIONS = {
    "temperature": 0.7,
    "kl_coef": PRICE,
    "missing_eos_penalty": MISSING_END,
    "stop_token": "eos",
    "gamma": 0.98,
    "lam": 0.9,
    "vf_coef": 0.3,
    "cliprange_value": 0.2,
}


class Update:
    """The same batch by our own parts."""

    def __init__(self, folder: Path) -> None:
        self.critic = _critic(folder / "value")
        self.pairs = list(zip(PROMPTS, RESPONSES, strict=True))
        self.tally = Tally()
        own = _policy(load_causal_model(folder / "policy")).log_probs(self.pairs)
        reference = _policy(load_causal_model(folder / "reference")).log_probs(self.pairs)
        self.scores = _scores(folder / "reward", self.pairs)
        groups = [
            _group(*pair, log_probs, score) for pair, log_probs, score in zip(self.pairs, own, self.scores, strict=True)
        ]
        self.distance = sum(sum(a) - sum(b) for a, b in zip(own, reference, strict=True)) / len(own)
        self.evidence = Evidence(0, PRICE, reference, self.critic.values(self.pairs))
        kl = KLConfig(coefficient=PRICE, place="reward", estimator="k1")
        self.rule = ActorCritic(gae=GAEConfig(discount=0.98, trace=0.9), kl=kl, loss=LossConfig())
        self.groups = groups
        self.rows = self.rule.prepare(groups, self.evidence, self.tally).rows


def _policy(model) -> Policy:
    return Policy(model, temperature=OPTIONS["temperature"], micro_batch_tokens=400)


def _network(folder: Path) -> RewardNetwork:
    """Our network with the head of a classifier, which has no bias."""
    network = RewardNetwork(load_backbone(folder))
    with torch.no_grad():
        network.head.weight.copy_(load_file(folder / "model.safetensors")["score.weight"])
        network.head.bias.zero_()
    return network


def _critic(folder: Path) -> Critic:
    network = _network(folder).requires_grad_(True)
    masters, config = MasterWeights(network), OptimizerConfig()
    stepper = WeightStepper(masters, build_adamw(masters.parameters, config), config, budget=MicroBatchBudget(400))
    return Critic(
        network.backbone, network.head, stepper, passes=1, minibatches=1, clip=0.2, rate_factor=1.0, shared=False
    )


@torch.no_grad()
def _scores(folder: Path, pairs) -> list[float]:
    """The reward model's score of each pair, less the price of a missing end."""
    network = _network(folder)
    whole = [[*prompt, *answer] for prompt, answer in pairs]
    raw = [network(torch.tensor([ids]), torch.tensor([len(ids)])).item() for ids in whole]
    return [score - MISSING_END * (ids[-1] != END) for score, ids in zip(raw, whole, strict=True)]


def _group(prompt, answer, log_probs, score) -> Group:
    completion = Completion(answer, log_probs, "stop" if answer[-1] == END else "length", 0)
    encoded = EncodedPrompt(PromptRecord("q", ({"role": "user", "content": "?"},), {}), prompt)
    return Group(encoded, (completion,), ("",), 0, {}, (score,))


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    """Four tiny networks of different seeds, as TRL wants them."""
    folder = tmp_path_factory.mktemp("trl_ppo")
    for seed, name in enumerate(("policy", "reference", "value", "reward")):
        make_tiny_model(folder / name, seed=seed)
        if name in ("value", "reward"):
            torch.manual_seed(seed)
            scorer = AutoModelForSequenceClassification.from_pretrained(folder / name, num_labels=1)
            torch.nn.init.normal_(scorer.score.weight, std=0.5)
            scorer.save_pretrained(folder / name)
    assert load_tokenizer(folder / "policy").eos_token_id == END
    return folder


@pytest.fixture(scope="module")
def trl(models) -> tuple[dict[str, float], dict[str, torch.Tensor]]:
    """What TRL logs and computes."""
    batch = {"prompts": PROMPTS, "responses": RESPONSES, "width": WIDTH, "options": OPTIONS}
    (models / "batch.json").write_text(json.dumps(batch))
    command = [sys.executable, str(Path(__file__).with_name("trl_ppo_oracle.py")), str(models)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    return json.loads((models / "found.json").read_text()), load_file(models / "found.safetensors")


@pytest.fixture(scope="module")
def ours(models) -> Update:
    return Update(models)


def _order(trl_advantages, ours):
    """Rows are shuffled by TRL's loader: for each of ours the place of the likest of its rows."""
    gaps = (trl_advantages[None] - ours[:, None]).abs().amax(dim=2)
    return gaps.argmin(dim=1)


def test_scores_distance_and_reward_are_the_same(trl, ours):
    logged, _ = trl
    assert logged["objective/scores"] == pytest.approx(sum(ours.scores) / 4, abs=1e-5)
    assert logged["objective/kl"] == pytest.approx(ours.distance, abs=1e-5)
    assert logged["objective/rlhf_reward"] == pytest.approx(ours.tally.values()["reward_after_kl"], abs=1e-5)
    # Close to each other, yet not the same network.
    assert abs(logged["objective/kl"]) > 1e-4


def test_advantages_differ_by_the_place_of_the_reward_alone(trl, ours):
    _, found = trl
    # TRL's advantages come out of our own sums once each shorter row is given one place more: the critic's value of
    # what stands behind its end, with the reward there.
    longer = [(prompt, answer + answer[-1:] * (len(answer) < WIDTH)) for prompt, answer in ours.pairs]
    values = [torch.tensor(own) for own in ours.critic.values(longer)]
    rewards = ours.rule.token_rewards(ours.groups, ours.evidence).float()
    expected = torch.zeros(4, WIDTH)
    for row, (own, (_, answer)) in enumerate(zip(values, ours.pairs, strict=True)):
        moved = torch.zeros(len(own))
        moved[: len(answer)] = rewards[row, : len(answer)]
        moved[len(answer) - 1] -= ours.scores[row]
        moved[-1] += ours.scores[row]
        ones = torch.ones(1, len(own), dtype=torch.bool)
        sums = generalised_advantages(moved[None], own[None], ones, discount=0.98, trace=0.9)
        expected[row, : len(answer)] = sums[0, : len(answer)]
    mask = stack([(1.0,) * len(answer) for answer in RESPONSES], expected) > 0
    theirs = found["advantages"].masked_fill(~found["mask"], 0.0)
    rows = _order(theirs, expected)
    assert sorted(rows.tolist()) == [0, 1, 2, 3]
    torch.testing.assert_close(expected[mask], theirs[rows][mask], atol=1e-4, rtol=1e-4)
    ours_raw = stack(
        [tuple(r - v for r, v in zip(row.returns, row.values, strict=True)) for row in ours.rows], expected
    )
    assert not torch.allclose(ours_raw[mask], expected[mask], atol=1e-2)
