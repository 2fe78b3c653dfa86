import pytest

from rewardmodel.records import DataError, PromptRecord
from rewardmodel.runtime.device import select_device
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.config_reward import RewardConfig
from rltrainer.records import Completion, EncodedPrompt, Group
from rltrainer.rewards.weighted import SHAPING, WeightedReward, build_reward

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


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_sum_that_could_not_be_squared_is_named(sign):
    parts = {
        "judged": (sign, lambda answers: [1e300] * len(answers)),
        "number": (1.0, lambda answers: [1.0] * len(answers)),
    }
    with pytest.raises(DataError, match=r"prompt q: a completion earns -?1e\+300, beyond .* look at the part 'judged'"):
        WeightedReward(parts).score([_group(1, 2)])


def test_task_rewards_leave_shaping_out():
    one = lambda answers: [1.0] * len(answers)  # noqa: E731
    reward = WeightedReward({"number": (2.0, one), "brevity": (0.5, one), "overlong": (1.0, one)}, shaping=SHAPING)
    (scored,) = reward.score([_group(1, 2)])
    assert scored.rewards == (3.5, 3.5)
    assert scored.task_rewards == (2.0, 2.0)
    assert scored.reward_noise == ()


def test_length_alone_is_the_task():
    length = lambda answers: [float(len(a.completion.token_ids)) for a in answers]  # noqa: E731
    one = lambda answers: [1.0] * len(answers)  # noqa: E731
    reward = WeightedReward({"length": (1.0, length), "unfinished": (-5.0, one)}, shaping=SHAPING)
    (scored,) = reward.score([_group(1, 2)])
    assert scored.rewards == (-4.0, -3.0)
    assert scored.task_rewards == (1.0, 2.0)


def test_a_watched_function_is_logged_and_never_rewarded(tmp_path):
    reward = _build(tmp_path, brevity_weight=1.0, watched_function="tests.rltrainer.rewards.answers:count_texts")
    (scored,) = reward.score([_group(5, 10)])
    assert scored.reward_parts["watched"] == (2.0, 2.0)
    assert scored.rewards == scored.task_rewards == (-0.5, -1.0)


def test_a_reward_can_leave_a_part_out():
    one = lambda answers: [1.0] * len(answers)  # noqa: E731
    parts = {"judged": (1.0, one), "number": (1.0, one), "overlong": (0.5, one)}
    reward = WeightedReward(parts, shaping=SHAPING)
    assert list(reward.without("judged").parts) == ["number", "overlong"]
    assert reward.without("nobody").parts == reward.parts


@pytest.mark.parametrize(("shape", "left"), [("overlong", []), ("unfinished", []), ("brevity", ["brevity"])])
def test_what_can_only_shape_a_reward_is_none_without_it(shape, left):
    one = lambda answers: [1.0] * len(answers)  # noqa: E731
    reward = WeightedReward({"judged": (1.0, one), shape: (0.5, one)}, shaping=SHAPING)
    assert list(reward.without("judged").parts) == left


def _prompt(**metadata):
    return EncodedPrompt(PromptRecord("q", ({"role": "user", "content": "?"},), metadata), (1,))


def _build(tmp_path, prompt=PROMPT, **config):
    return build_reward(
        RunDirectory(tmp_path), RewardConfig(**config), compute=select_device(device="cpu", threads=1),
        max_new_tokens=10, prompts=[prompt],
    )  # fmt: skip


def test_parts_follow_the_config(tmp_path):
    metadata = {"answer": 3, "pattern": "x", "instructions": [{"check": "json"}]}
    reward = _build(
        tmp_path, _prompt(**metadata), brevity_weight=0.5, length_weight=1.0, length_tokens=4, unfinished_penalty=2.0,
        number_weight=1.5, pattern_weight=1.25, instructions_weight=0.75, format_weight=0.25, repetition_penalty=3.0,
        overlong_factor=4.0, function="math:fsum", function_weight=5.0,
    )  # fmt: skip
    assert {name: weight for name, (weight, _) in reward.parts.items()} == {
        "function": 5.0, "number": 1.5, "pattern": 1.25, "instructions": 0.75, "format": 0.25, "brevity": 0.5,
        "length": 1.0, "repetition": 3.0, "overlong": 4.0, "unfinished": -2.0,
    }  # fmt: skip
    assert reward.shaping == {"brevity", "length", "repetition", "overlong", "unfinished"}


@pytest.mark.parametrize(("given", "values"), [(None, (0.0, -0.5, -1.0)), (5, (-0.6, -0.8, -1.0))])
def test_the_price_on_length_begins_a_fifth_before_the_end(tmp_path, given, values):
    reward = _build(tmp_path, brevity_weight=1.0, overlong_factor=1.0, overlong_tokens=given)
    (scored,) = reward.score([_group(8, 9, 10)])
    assert scored.reward_parts["overlong"] == values


@pytest.mark.parametrize(
    ("config", "metadata", "field"),
    [
        ({"number_weight": 1.0}, {}, r"metadata\.answer: expected a number"),
        ({"number_weight": 1.0}, {"answer": "1,2,3"}, r"metadata\.answer: expected a number, .* got '1,2,3'"),
        ({"choice_weight": 1.0}, {"answer": 7}, r"metadata\.answer: expected a letter"),
        ({"pattern_weight": 1.0}, {"pattern": "("}, r"metadata\.pattern: is no regular expression"),
        ({"pattern_weight": 1.0}, {}, r"metadata\.pattern: expected a regular expression"),
        ({"instructions_weight": 1.0}, {"instructions": [{}]}, r"metadata\.instructions\[0\]\.check: there is no None"),
    ],
)
def test_a_prompt_without_what_a_part_needs_is_named(tmp_path, config, metadata, field):
    (key,) = config
    with pytest.raises(DataError, match=rf"prompts\.jsonl, prompt q: {field}.*\(reward\.{key} needs it\)"):
        _build(tmp_path, _prompt(**metadata), **config)


def test_a_pattern_of_the_run_needs_none_of_the_prompt(tmp_path):
    assert list(_build(tmp_path, pattern_weight=1.0, pattern="x").parts) == ["pattern"]
