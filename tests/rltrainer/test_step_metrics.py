from dataclasses import replace

import pytest

from rewardmodel.records import PromptRecord
from rltrainer.records import Completion, EncodedPrompt, Group
from rltrainer.step_metrics import describe_groups, distinct_share, repeated_share

PROMPT = EncodedPrompt(PromptRecord("q", ({"role": "user", "content": "?"},), {}), (1,))


def _group(rewards, lengths, reasons):
    completions = tuple(
        Completion(tuple(range(n)), (0.0,) * n, reason, 0) for n, reason in zip(lengths, reasons, strict=True)
    )
    return Group(PROMPT, completions, ("",) * len(lengths), 0, {"brevity": rewards}, rewards)


def test_groups_by_hand():
    values = describe_groups(
        [_group((1.0, 3.0), (2, 4), ("stop", "length")), _group((2.0, 2.0), (6, 8), ("stop", "stop"))]
    )
    assert (values["reward"], values["reward_min"], values["reward_max"]) == (2.0, 1.0, 3.0)
    assert values["reward_std"] == pytest.approx((2 / 3) ** 0.5)
    assert values["reward_group_std"] == pytest.approx(2**0.5 / 2)
    assert values["zero_std_fraction"] == 0.5
    assert values["reward_brevity"] == 2.0
    assert (values["length_mean"], values["length_min"], values["length_max"]) == (5.0, 2.0, 8.0)
    assert values["length_stopped_mean"] == pytest.approx(16 / 3)
    assert values["truncated_fraction"] == 0.25


def test_flat_is_what_earned_the_same_for_the_task():
    shaped = replace(_group((1.0, 0.5), (2, 8), ("stop", "stop")), task_rewards=(1.0, 1.0), reward_noise=(0.2, 0.4))
    values = describe_groups([shaped])
    assert values["zero_std_fraction"] == 1.0
    assert (values["reward"], values["reward_task"], values["reward_task_std"]) == (0.75, 1.0, 0.0)
    assert values["reward_noise"] == pytest.approx(0.3)
    assert values["reward_length_correlation"] == pytest.approx(-1.0)


def test_distances_are_means_over_completions_and_absent_where_nothing_tells_them():
    plain = _group((1.0, 0.5), (2, 8), ("stop", "stop"))
    told = [
        replace(plain, reward_distance=(1.0, 1.2), reward_unfamiliar=(0.0, 0.0)),
        replace(plain, reward_distance=(1.6, 2.2), reward_unfamiliar=(0.5, 1.0)),
    ]
    values = describe_groups(told)
    assert values["reward_distance"] == pytest.approx(1.5)
    assert values["reward_unfamiliar_fraction"] == pytest.approx(0.375)
    assert {"reward_distance", "reward_unfamiliar_fraction"} & set(describe_groups([plain])) == set()


def test_single_completions_have_no_group_to_differ_from():
    values = describe_groups([_group((1.0,), (2,), ("stop",)), _group((2.0,), (3,), ("stop",))])
    assert {"reward_group_std", "zero_std_fraction"} & set(values) == set()
    assert values["reward_std"] == pytest.approx(0.5**0.5)


def test_without_a_finished_completion_its_length_is_left_out():
    assert "length_stopped_mean" not in describe_groups([_group((1.0, 2.0), (3, 3), ("length", "length"))])


def test_repetition_by_hand():
    # Runs of 1 2 1 2 1 2: 121 212 121 212, two of four were there before.
    assert repeated_share((1, 2, 1, 2, 1, 2)) == 0.5
    assert repeated_share((1, 2)) == 0.0
    assert distinct_share([(1, 2, 3, 4), (1, 2, 3, 4)]) == 0.5
    assert distinct_share([(1,)]) == 1.0
