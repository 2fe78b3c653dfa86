"""A policy that chases a proxy is stopped before what people really wanted suffers. Only the test knows the gold
reward: the run logs it as `reward_watched` and is paid by the proxy alone. Limits are those of the defaults."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer import session
from rltrainer.brakes import Brakes
from rltrainer.config_brakes import BrakesConfig
from rltrainer.config_reward import RewardConfig
from rltrainer.rewards.weighted import SHAPING, WeightedReward
from tests.rltrainer.planted_gold import MAX_NEW_TOKENS, fit_proxy
from tests.rltrainer.run_folder import grpo_config, make_run, read_json, read_rows, run

FREE_STEPS = 28


def _config(base: Path, **brakes: str) -> dict[str, Any]:
    return grpo_config(
        base,
        rollout={"prompts_per_step": 8, "group_size": 8, "max_new_tokens": MAX_NEW_TOKENS, "batch_rows": 64},
        # The names stand for the fitted proxy, which is several models in one.
        reward={"model": "proxy", "ensemble": ["its like"], "watched_function": "tests.rltrainer.planted_gold:gold"},
        kl={"coefficient": 0.0},
        optimizer={"learning_rate": 1e-2, "micro_batch_tokens": 2048},
        checkpoint={"every_steps": 1000},
        stop={"steps": FREE_STEPS},
        brakes=brakes,
    )


@pytest.fixture(scope="module", autouse=True)
def paid_by_proxy(base: Path) -> Iterator[None]:
    """Runs of this module are paid by the fitted proxy, and watch gold."""
    build = session.build_reward

    def build_proxy(directory: RunDirectory, config: RewardConfig, **settings: Any) -> WeightedReward:
        watched = build(directory, replace(config, model=None, ensemble=()), **settings).parts["watched"]
        proxy = fit_proxy(base, settings["prompts"], seed=77)
        return WeightedReward({"model": (1.0, proxy), "watched": watched}, shaping=SHAPING)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "build_reward", build_proxy)
        yield


@pytest.fixture(scope="module")
def free(base: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, float]]:
    """Metrics of a run that nothing stops."""
    folder = make_run(tmp_path_factory.mktemp("free") / "run", _config(base))
    assert run("train", folder)[0] == 0
    return [row["values"] for row in read_rows(folder / "metrics.jsonl")]


def test_left_alone_the_policy_gets_what_is_paid_and_loses_what_is_wanted(free):
    gold, proxy = ([values[name] for values in free] for name in ("reward_watched", "reward_model"))
    assert max(gold) > 3 * gold[0]
    assert gold[-1] < 0.7 * max(gold)
    assert proxy[-1] > proxy[gold.index(max(gold))] > proxy[0]


@pytest.mark.parametrize("brake", ["kl", "uncertainty"])
def test_each_brake_alone_speaks_before_gold_has_fallen_by_a_tenth(free, brake):
    gold = [values["reward_watched"] for values in free]
    brakes = Brakes(BrakesConfig())
    spoken = [
        step
        for step, values in enumerate(free, start=1)
        if brake in {finding.brake for finding in brakes.observe(step, values)}
    ]
    assert len(spoken) == 1
    assert gold[spoken[0] - 1] > 0.9 * max(gold)


def test_the_run_ends_by_itself_while_gold_is_near_its_best(free, base, tmp_path):
    folder = make_run(tmp_path / "run", _config(base, kl="stop", uncertainty="stop"))
    code, reason = run("train", folder)
    assert code == 0, reason
    gold = [row["values"]["reward_watched"] for row in read_rows(folder / "metrics.jsonl")]
    assert len(gold) < FREE_STEPS
    assert gold == [values["reward_watched"] for values in free][: len(gold)]
    assert gold[-1] > 0.9 * max(values["reward_watched"] for values in free)
    result = read_json(folder / "result.json")
    assert result["steps"] == len(gold)
    assert result["stopped_by"].startswith("the policy is 2")
    assert "nats a completion away from the reference; the limit is 20" in result["stopped_by"]
    assert (folder / "model" / "model.safetensors").exists()
