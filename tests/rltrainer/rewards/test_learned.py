from pathlib import Path

import numpy
import pytest
import torch

from rewardmodel.config_parsing import ConfigError
from rewardmodel.network import RewardNetwork, save_reward_model
from rewardmodel.records import PromptRecord
from rewardmodel.runtime.backbones import load_backbone, load_tokenizer
from rewardmodel.runtime.device import ComputeDevice
from rewardmodel.runtime.faults import Diverged
from rewardmodel.scorer import RewardScorer
from rltrainer.config_reward import RewardConfig
from rltrainer.records import Completion, EncodedPrompt, Group
from rltrainer.rewards.learned import learned_reward
from rltrainer.rewards.weighted import WeightedReward
from tests.rltrainer.familiar import make_familiarity
from tests.rltrainer.rewards.answers import make_answer
from tests.rltrainer.run_folder import grpo_config, make_run, read_json, read_rows, run

COMPUTE = ComputeDevice(torch.device("cpu"), torch.float32)
MESSAGES = ({"role": "user", "content": "?"},)
TEXTS = ["a", "bb", "no?"]


@pytest.fixture(scope="module")
def make_judge(base: Path, tmp_path_factory: pytest.TempPathFactory):
    """Makes the folder of a reward model whose random head follows from a seed."""

    def make(seed: int, *, mean: float = 0.5, std: float = 0.1, broken: bool = False, familiar: bool = False) -> Path:
        folder = tmp_path_factory.mktemp("judge")
        network = RewardNetwork(load_backbone(base), seed=seed)
        if broken:
            torch.nn.init.constant_(network.head.bias, float("nan"))
        known = make_familiarity(network) if familiar else None
        save_reward_model(network, folder, max_length_tokens=128, mean=mean, std=std, familiarity=known)
        load_tokenizer(base).save_pretrained(folder)
        return folder

    return make


@pytest.fixture(scope="module")
def judge(make_judge) -> Path:
    return make_judge(5)


def _part(*folders, **config):
    return learned_reward(folders, RewardConfig(**config), COMPUTE)


def _answers():
    return [make_answer(text) for text in TEXTS]


def test_values_are_the_scorers_normalised_scores_within_the_clip(judge):
    expected = RewardScorer(judge, COMPUTE).score([MESSAGES] * 3, TEXTS)
    free = _part(judge, model_clip=1e9)(_answers())
    assert free == pytest.approx(expected.tolist(), abs=1e-5)
    held = _part(judge, model_clip=0.5)(_answers())
    assert held == pytest.approx(numpy.clip(expected, -0.5, 0.5).tolist(), abs=1e-5)
    assert free != held


@pytest.mark.parametrize("rule", ["mean_minus_std", "min"])
def test_several_models_check_each_other(make_judge, rule):
    folders = [make_judge(seed, mean=0.1 * seed, std=0.5) for seed in (1, 2, 3)]
    single = numpy.stack([RewardScorer(folder, COMPUTE).score([MESSAGES] * 3, TEXTS) for folder in folders])
    part = _part(*folders, ensemble_rule=rule, ensemble_penalty=2.0)
    measured = part.measure(_answers())
    trusted = {"mean_minus_std": single.mean(axis=0) - 2 * single.std(axis=0), "min": single.min(axis=0)}
    assert measured.values == pytest.approx(trusted[rule].tolist(), abs=1e-5)
    assert measured.deviations == pytest.approx(single.std(axis=0).tolist(), abs=1e-5)
    assert min(measured.deviations) > 0
    assert part(_answers()) == measured.values


def test_a_single_model_claims_no_deviation(judge):
    assert _part(judge).measure(_answers()).deviations == []
    assert _part(judge, judge).measure(_answers()).deviations == [0.0] * 3


def test_a_single_model_tells_distances_where_it_was_saved_with_features(judge, make_judge):
    known = make_judge(5, familiar=True)
    measured = _part(known).measure(_answers())
    expected = RewardScorer(known, COMPUTE).measure([MESSAGES] * 3, TEXTS).distances
    assert measured.distances == pytest.approx(expected.typical.tolist(), rel=1e-3)
    assert measured.unfamiliar == expected.unfamiliar.tolist()
    assert _part(judge).measure(_answers()).distances == []
    assert not _part(judge).tells_distances
    # Of two models the one that tells none does not count.
    both = _part(judge, known)
    assert both.tells_distances
    assert both.measure(_answers()).distances == pytest.approx(measured.distances)


def test_the_deviation_reaches_the_group_in_units_of_the_reward(make_judge):
    part = _part(make_judge(1), make_judge(2))
    record = PromptRecord("q", MESSAGES, {})
    completions = tuple(Completion((1,), (0.0,), "stop", 0) for _ in TEXTS)
    group = Group(EncodedPrompt(record, (1,)), completions, tuple(TEXTS), 0)
    (scored,) = WeightedReward({"model": (-3.0, part), "one": (1.0, lambda answers: [1.0] * len(answers))}).score(
        [group]
    )
    assert scored.reward_noise == pytest.approx([3 * deviation for deviation in part.measure(_answers()).deviations])


def test_a_folder_that_is_no_reward_model_is_named_by_its_key(base, judge):
    with pytest.raises(ConfigError, match=r"^reward\.model: "):
        _part(base)
    with pytest.raises(ConfigError, match=r"^reward\.ensemble\[1\]: "):
        _part(judge, judge, base)


def test_scores_that_are_no_numbers_end_the_run(make_judge):
    with pytest.raises(Diverged, match="no numbers"):
        _part(make_judge(1, broken=True))(_answers())


def test_a_run_learns_from_it(base, judge, tmp_path):
    config = grpo_config(
        base, reward={"model": str(judge), "brevity_weight": 0.0, "unfinished_penalty": 0.5}, stop={"steps": 2}
    )
    folder = make_run(tmp_path / "run", config)
    code, reason = run("train", folder)
    assert code == 0, reason
    values = read_rows(folder / "metrics.jsonl")[0]["values"]
    assert values["reward"] == pytest.approx(values["reward_model"] - 0.5 * values["reward_unfinished"])
    assert values["reward_model_std"] > 0
    assert read_json(folder / "result.json")["reward_policy"]["n"] == 4


def test_a_run_watches_how_far_its_completions_lie_from_what_the_model_learned_from(base, make_judge, tmp_path):
    reward = {"model": str(make_judge(5, familiar=True)), "brevity_weight": 0.0}
    config = grpo_config(base, reward=reward, stop={"steps": 2}, brakes={"distance": "stop", "window": 2})
    folder = make_run(tmp_path / "run", config)
    code, reason = run("train", folder)
    assert code == 0, reason
    for row in read_rows(folder / "metrics.jsonl"):
        assert row["values"]["reward_distance"] > 0
        assert 0 <= row["values"]["reward_unfamiliar_fraction"] <= 1
        assert "reward_noise" not in row["values"]


def test_a_brake_on_distances_that_no_model_tells_is_refused(base, judge, tmp_path):
    config = grpo_config(base, reward={"model": str(judge)}, brakes={"distance": "pause"})
    code, reason = run("train", make_run(tmp_path / "run", config))
    assert code == 2
    assert "brakes.distance: 'pause' would never come, for no reward model here was saved with the features" in reason


def test_a_run_learns_from_an_ensemble(base, make_judge, tmp_path):
    reward = {"model": str(make_judge(1)), "ensemble": [str(make_judge(2))], "brevity_weight": 0.0}
    folder = make_run(tmp_path / "run", grpo_config(base, reward=reward, stop={"steps": 1}))
    code, reason = run("train", folder)
    assert code == 0, reason
    values = read_rows(folder / "metrics.jsonl")[0]["values"]
    assert values["reward_noise"] > 0
    assert values["reward"] == values["reward_task"] == pytest.approx(values["reward_model"])
