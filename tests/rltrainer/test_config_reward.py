import pytest

from rewardmodel.config_parsing import ConfigError, with_overrides
from rltrainer.config import parse_config

BASE = {"kind": "grpo", "model": {"path": "m"}, "reward": {"brevity_weight": 1.0}}


def _parse(*overrides, kind="grpo"):
    return parse_config(with_overrides({**BASE, "kind": kind}, overrides))


@pytest.mark.parametrize(
    ("override", "fault"),
    [
        ('reward={"ensemble":["b"]}', "reward.ensemble: adds to reward.model"),
        ('reward={"model":"a","ensemble":["b","a"]}', "reward.ensemble: names a folder twice"),
        ("reward.ensemble_penalty=-1", "reward.ensemble_penalty: must be 0 or more"),
        ("reward.function=os.system", "reward.function: write it as package.module:name"),
        ("reward.function=a b:c", "reward.function: write it as package.module:name"),
        (
            'reward={"number_weight":1,"choice_weight":1}',
            "reward.choice_weight: the prompts' metadata",
        ),
        ('reward={"pattern_weight":1,"pattern":"("}', "reward.pattern: is no regular expression"),
        ("reward.pattern=x", "reward.pattern: has no effect while pattern_weight is 0"),
        ("reward.length_tokens=4", "reward.length_tokens: has no effect"),
        ("reward.function_weight=2", "reward.function_weight: has no effect without function"),
        ("reward.model_clip=2", "reward.model_clip: has no effect without model"),
        ("reward.ensemble_penalty=2", "reward.ensemble_penalty: has no effect without ensemble"),
        ("reward.length_weight=1", "reward.length_tokens: must be 1 or more"),
        ("reward.overlong_tokens=4", "reward.overlong_tokens: has no effect while overlong_factor is 0"),
        (
            'reward={"brevity_weight":1,"overlong_factor":1,"overlong_tokens":129}',
            "reward.overlong_tokens: must not exceed the longest completion (128)",
        ),
        ("reward.answer_section=answer", "reward.answer_section: has no effect"),
        ('reward={"number_weight":1,"answer_section":"a>b"}', "reward.format_sections: 'a>b' is no name of a tag"),
        (
            'reward={"number_weight":1,"format_weight":1,"answer_section":"result"}',
            "reward.answer_section: 'result' is none of format_sections (think, answer)",
        ),
        ('reward={"format_weight":1,"format_sections":[]}', "reward.format_sections: needs one name or more"),
        ('reward={"format_weight":1,"format_sections":["a","a"]}', "reward.format_sections: needs one name or more"),
        ("reward.repetition_tokens=0", "reward.repetition_tokens: must be between 1"),
        ('reward={"overlong_factor":1,"repetition_penalty":1}', "reward: nothing is rewarded"),
        ('reward={"model":"m","model_weight":0}', "reward: nothing is rewarded"),
        ("reward={}", "reward: nothing is rewarded"),
        ("reward.judged_weight=2", "reward.judged_weight: has no effect unless rollout.source is 'judged'"),
    ],
)
def test_mixes_that_make_no_sense_are_refused_by_name(override, fault):
    with pytest.raises(ConfigError) as caught:
        _parse(override)
    assert any(found.startswith(fault) for found in caught.value.faults), caught.value.faults


@pytest.mark.parametrize(
    "reward",
    [
        {"model": "a", "ensemble": ["b", "c"], "ensemble_rule": "min"},
        {"function": "house.rewards:score"},
        {"number_weight": 1, "format_weight": 0.2, "answer_section": "answer"},
        {"choice_weight": 1},
        {"instructions_weight": 1, "instructions_rule": "all"},
        {"pattern_weight": 1},
    ],
)
def test_each_source_is_enough(reward):
    assert parse_config({**BASE, "reward": reward}).to_dict()["reward"].items() >= reward.items()


def test_only_dapo_has_a_price_on_length_by_default():
    assert _parse(kind="dapo").reward.overlong_factor == 1.0
    assert _parse(kind="grpo").reward.overlong_factor == 0.0
    assert _parse("reward.overlong_factor=0", kind="dapo").reward.overlong_factor == 0.0


@pytest.mark.parametrize(
    ("override", "fault"),
    [
        ("dynamic_sampling.enabled=true", "dynamic_sampling.enabled: groups that people have judged cannot"),
        ("reward.judged_weight=0", "reward.judged_weight: is 0"),
    ],
)
def test_given_groups_take_no_settings_of_sampling(override, fault):
    with pytest.raises(ConfigError) as caught:
        _parse("rollout.source=judged", override)
    assert any(found.startswith(fault) for found in caught.value.faults), caught.value.faults


def test_people_alone_are_a_source_where_their_groups_are_given():
    assert parse_config({**BASE, "rollout": {"source": "judged"}, "reward": {}}).rollout.source == "judged"


@pytest.mark.parametrize("sampling", ["sampling.top_p=0.9", "sampling.temperature=0"])
def test_kept_log_probs_must_be_those_that_were_drawn_by(sampling):
    with pytest.raises(ConfigError, match=r"sampling\.keep_log_probs: needs top_p 1"):
        parse_config(
            with_overrides({"kind": "sample", "model": {"path": "m"}}, [sampling, "sampling.keep_log_probs=true"])
        )
