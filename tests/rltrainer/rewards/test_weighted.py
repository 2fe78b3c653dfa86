import pytest

from rewardmodel.records import DataError, PromptRecord
from rewardmodel.runtime.device import select_device
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.config_sections import RewardConfig
from rltrainer.records import Completion, EncodedPrompt, Group
from rltrainer.rewards.weighted import WeightedReward, build_reward

PROMPT = EncodedPrompt(PromptRecord("q", ({"role": "user", "content": "?"},), {}), (1,))


def _group(*lengths):
    completions = tuple(Completion((1,) * n, (0.0,) * n, "stop", 0) for n in lengths)
    return Group(PROMPT, completions, ("",) * len(lengths), 0)


def test_parts_are_kept_and_weighted():
    reward = WeightedReward(
        {
            "length": (2.0, lambda answers: [float(len(a.completion.token_ids)) for a in answers]),
            "one": (-0.5, lambda answers: [1.0] * len(answers)),
        }
    )
    first, second = reward.score([_group(1, 2), _group(3, 4, 5)])
    assert first.rewards == (1.5, 3.5)
    assert second.rewards == (5.5, 7.5, 9.5)
    assert second.reward_parts == {"length": (3.0, 4.0, 5.0), "one": (1.0, 1.0, 1.0)}


def _build(tmp_path, **config):
    return build_reward(
        RunDirectory(tmp_path), RewardConfig(**config), compute=select_device(device="cpu", threads=1),
        max_new_tokens=10, prompts=[PROMPT],
    )  # fmt: skip


def test_parts_follow_the_config(tmp_path):
    reward = _build(tmp_path, brevity_weight=0.5, length_weight=1.0, length_tokens=4, unfinished_penalty=2.0)
    assert {name: weight for name, (weight, _) in reward.parts.items()} == {
        "brevity": 0.5, "length": 1.0, "unfinished": -2.0,
    }  # fmt: skip


def test_a_prompt_without_the_wanted_number_is_named(tmp_path):
    with pytest.raises(DataError, match=r"prompt q: metadata\.answer"):
        _build(tmp_path, number_weight=1.0)
