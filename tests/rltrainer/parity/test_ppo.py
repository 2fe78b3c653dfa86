"""A whole PPO update against TRL 1.12's trainer, weights to weights: rewards of tokens, GAE, both losses and gradients.

Answers are planted and never end, and the first log-probs and values are off by some noise, so that ratios differ from
1 and every clip holds something. For answers that end early, where TRL credits the score to the pad behind them, see
test_trl_ppo.py.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

from rewardmodel.records import PromptRecord
from rewardmodel.runtime.master_weights import MasterWeights
from rltrainer.algorithms.actor_critic import ActorCritic
from rltrainer.algorithms.algorithm import Evidence
from rltrainer.config_learning import GAEConfig, KLConfig, LossConfig, OptimizerConfig
from rltrainer.critic import Critic, CriticTerms
from rltrainer.memory import MicroBatchBudget
from rltrainer.optimization import build_adamw
from rltrainer.policy import Policy
from rltrainer.records import Completion, EncodedPrompt, Group, TrainingBatch
from rltrainer.tally import Tally
from rltrainer.weight_stepper import WeightStepper
from tests.rltrainer.gradients import GradientWatch, relative_error, step_gradient
from tests.rltrainer.parity.verl_oracle import ORACLES
from tests.tiny_model import make_tiny_model

pytestmark = pytest.mark.xdist_group("trl112")

PROMPTS = [(5, 6, 7), (9, 8, 7, 6), (5, 5), (30, 31, 32, 33, 34)]
TOKENS = 8
SETTINGS = {"temperature": 0.8, "kl_coef": 0.2, "cliprange": 0.15, "cliprange_value": 0.1, "gamma": 0.98, "lam": 0.9}
KL = KLConfig(coefficient=0.2, place="reward", estimator="k1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four networks, and what is answered to the prompts."""
    folder = tmp_path_factory.mktemp("ppo")
    make_tiny_model(folder / "policy", seed=0)
    nearby = AutoModelForCausalLM.from_pretrained(folder / "policy")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in nearby.parameters():
            parameter += 0.01 * torch.randn(parameter.shape, generator=generator)
    nearby.save_pretrained(folder / "reference")
    for seed, name in ((1, "value"), (2, "reward")):
        make_tiny_model(folder / name, seed=seed)
        judge = AutoModelForSequenceClassification.from_pretrained(folder / name, num_labels=1)
        with torch.no_grad():
            judge.score.weight.normal_(std=0.3, generator=generator)
        judge.save_pretrained(folder / name)
    shape = (len(PROMPTS), TOKENS)
    plan = {
        **SETTINGS,
        "prompts": PROMPTS,
        "responses": torch.randint(20, 200, shape, generator=generator),
        "logit_noise": 0.3 * torch.randn(*shape, nearby.config.vocab_size, generator=generator),
        "value_noise": 0.2 * torch.randn(shape, generator=generator),
    }
    torch.save(plan, folder / "plan.pt")
    return folder


@pytest.fixture(scope="module")
def theirs(folder):
    """What TRL 1.12 makes of it."""
    assert (ORACLES / "trl" / "experimental" / "ppo").is_dir(), f"{ORACLES} lacks TRL 1.12: run `make setup`"
    environment = {**os.environ, "PYTHONPATH": str(ORACLES), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(Path(__file__).with_name("ppo_oracle.py")), str(folder)]
    run = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    # Our own oracle wrote it, a moment ago, and it holds tensors and numbers: nothing else is read.
    return torch.load(folder / "found.pt", weights_only=True)


@pytest.fixture(scope="module")
def prepared(folder, theirs):
    """Our rows from the same beginnings, and what was measured on the way."""
    reference = Policy(
        AutoModelForCausalLM.from_pretrained(folder / "reference"), temperature=0.8, micro_batch_tokens=60
    )
    responses = torch.load(folder / "plan.pt")["responses"].tolist()
    groups = [
        Group(
            EncodedPrompt(PromptRecord(str(place), ()), tuple(query)),
            (Completion(tuple(response), tuple(log_probs), "length", seed=0),),
            ("",),
            policy_version=0,
            rewards=(score,),
        )
        for place, (query, response, log_probs, score) in enumerate(
            zip(theirs["queries"], responses, theirs["log_probs"].tolist(), theirs["scores"].tolist(), strict=True)
        )
    ]
    pairs = [(group.prompt.token_ids, group.completions[0].token_ids) for group in groups]
    evidence = Evidence(
        # A later version than the groups': their sampler's log-probs are the old ones.
        policy_version=1,
        kl_coefficient=SETTINGS["kl_coef"],
        reference_log_probs=reference.log_probs(pairs),
        values=[tuple(row) for row in theirs["values"].tolist()],
    )
    tally = Tally()
    gae = GAEConfig(discount=SETTINGS["gamma"], trace=SETTINGS["lam"])
    rows = ActorCritic(gae=gae, kl=KL, loss=LossConfig()).prepare(groups, evidence, tally).rows
    return rows, tally.values()


def test_rewards_after_the_price_of_distance(prepared, theirs):
    rows, measured = prepared
    assert measured["reward_after_kl"] == pytest.approx(theirs["metrics"]["objective/rlhf_reward"], abs=1e-5)
    distances = [
        sum(old - reference for old, reference in zip(row.old_log_probs, row.reference_log_probs, strict=True))
        for row in rows
    ]
    assert sum(distances) / len(distances) == pytest.approx(theirs["metrics"]["objective/kl"], abs=1e-5)


def test_policy(folder, prepared, theirs):
    model = AutoModelForCausalLM.from_pretrained(folder / "policy")
    clip = SETTINGS["cliprange"]
    loss = LossConfig(aggregation="token_mean", clip_low=clip, clip_high=clip)
    ours = step_gradient(model, prepared[0], loss=loss, kl=KL, temperature=0.8)
    metrics = theirs["metrics"]
    assert ours.loss == pytest.approx(metrics["loss/policy_avg"], abs=1e-5)
    assert ours.metrics["old_kl_k2"] == pytest.approx(metrics["policy/approxkl_avg"], abs=1e-5)
    assert ours.metrics["entropy"] == pytest.approx(metrics["policy/entropy_avg"], abs=1e-5)
    assert ours.metrics["ratio_mean"] == pytest.approx(metrics["val/ratio"], abs=1e-5)
    clipped = ours.metrics["clip_low_fraction"] + ours.metrics["clip_high_fraction"]
    assert 0 < clipped == pytest.approx(metrics["policy/clipfrac_avg"])
    assert relative_error(ours.gradient, theirs["policy"]) < 1e-5


def test_critic(folder, prepared, theirs):
    network = AutoModelForSequenceClassification.from_pretrained(folder / "value")
    masters, config = MasterWeights(network), OptimizerConfig(max_grad_norm=1e9)
    adamw = build_adamw(masters.parameters, config)
    watch = GradientWatch(masters, adamw)
    critic = Critic(
        network.model,
        network.score,
        WeightStepper(masters, adamw, config, budget=MicroBatchBudget(60)),
        passes=1,
        minibatches=1,
        clip=SETTINGS["cliprange_value"],
        rate_factor=0.0,
        shared=False,
    )
    rows, tally = prepared[0], Tally()
    plan = torch.load(folder / "plan.pt")
    found = critic.values([(row.prompt_ids, row.completion_ids) for row in rows])
    torch.testing.assert_close(torch.tensor(found) + plan["value_noise"], theirs["values"], atol=1e-5, rtol=0)
    critic.update(TrainingBatch(rows, 0), CriticTerms(1.0, 0, warming_up=False), tally)
    measured = tally.values()
    assert measured["value_loss"] == pytest.approx(theirs["metrics"]["loss/value_avg"], abs=1e-5)
    assert 0 < measured["value_clip_fraction"] == pytest.approx(theirs["metrics"]["val/clipfrac_avg"])
    assert relative_error(watch.gradient, theirs["value"]) < 1e-5
