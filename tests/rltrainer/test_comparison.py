import pytest

from rltrainer.comparison import Comparison
from rltrainer.marks import Marks


def _prompt(rewards, length=10, **parts):
    return Marks(tuple(rewards), {name: tuple(own) for name, own in parts.items()}, (length,) * len(rewards))


def _compare(policy, rival):
    return Comparison(policy, rival, "reference", 0.95)


def test_a_better_policy_wins_with_an_interval_over_prompts():
    policy = [_prompt((2.0, 1.0)), _prompt((0.0, 3.0)), _prompt((1.0, 1.0))]
    reference = [_prompt((0.0, 0.0)), _prompt((0.0, 1.0)), _prompt((1.0, 1.0))]
    described = _compare(policy, reference).describe()
    # 4 of 4, then 0 against 0 and 1: half, 3 against both: 2; then four ties: 4 + 2.5 + 2 of 12.
    assert described["win_rate_reference"]["value"] == pytest.approx(8.5 / 12)
    assert described["win_rate_reference"]["n"] == 12
    assert described["win_rate_reference"]["low"] < 8.5 / 12 < described["win_rate_reference"]["high"]
    assert described["win_rate_by"] == "reward"
    assert described["reward_policy"]["value"] == pytest.approx(8 / 6)
    assert _compare(policy, reference).gain().value == pytest.approx(8 / 6 - 3 / 6)
    assert "length_note_reference" not in described


def test_a_model_beside_itself_wins_half():
    marks = [_prompt((1.0, 2.0)), _prompt((5.0, 5.0))]
    rate = _compare(marks, marks).win_rate()
    assert (rate.value, rate.low, rate.high, rate.prompts) == (0.5, None, None, 2)
    twice = _compare(marks * 2, marks * 2)
    rate, gain = twice.win_rate(), twice.gain()
    # No prompt differs from another, yet four say little of others.
    assert rate.value == 0.5 and rate.low < 0.4 and rate.high > 0.6
    assert gain.value == 0 and gain.low < -0.5 and gain.high > 0.5


def test_winning_everywhere_is_sure_only_on_enough_prompts():
    best, worst = _prompt((1.0,) * 4), _prompt((0.0,) * 4)
    few, many = (_compare([best] * prompts, [worst] * prompts) for prompts in (3, 16))
    assert few.gain().low < 0 < many.gain().low < many.gain().high == 1.0
    assert few.win_rate().low < 0.5 < many.win_rate().low < many.win_rate().high == 1.0


def test_rewards_that_never_vary_have_no_interval_of_the_gain():
    same = [_prompt((0.0, 0.0))] * 16
    gain = _compare(same, same).gain()
    assert (gain.value, gain.low, gain.high, gain.prompts) == (0.0, None, None, 16)


def test_the_reward_model_judges_where_there_is_one():
    policy, reference = [_prompt((0.0,), model=(1.0,))] * 2, [_prompt((9.0,), model=(0.0,))] * 2
    described = _compare(policy, reference).describe()
    assert (described["win_rate_by"], described["win_rate_reference"]["value"]) == ("model", 1.0)


def test_longer_answers_are_noted_with_the_win_rate_at_similar_length():
    policy = [
        Marks((2.0, 0.0), {}, (100, 10)),
        Marks((2.0, 1.0), {}, (100, 11)),
    ]
    reference = [_prompt((1.0, 1.0))] * 2
    described = _compare(policy, reference).describe()
    assert described["win_rate_reference"]["value"] == pytest.approx((2 + 2 + 1) / 8)
    assert described["win_rate_reference_similar_length"]["value"] == pytest.approx(1 / 4)
    assert described["length_note_reference"] == (
        "the policy's answers are longer than the reference's (55 tokens, 10), and who judges may be judging length; "
        "among 4 pairs of similar length it wins 25%"
    )


def test_without_pairs_of_similar_length_the_note_says_so():
    described = _compare([_prompt((1.0,), 5)] * 2, [_prompt((1.0,), 50)] * 2).describe()
    assert described["win_rate_reference_similar_length"]["value"] is None
    assert described["length_note_reference"].endswith("no pair of answers is of similar length")


def test_accuracy_is_told_by_checking_part_and_number_of_draws():
    policy = [_prompt((1, 1, 0, 0), number=(1, 1, 0, 0)), _prompt((0,) * 4, number=(0,) * 4)]
    reference = [_prompt((1, 0, 0, 0), number=(1, 0, 0, 0)), _prompt((0,) * 4, number=(0,) * 4)]
    found = _compare(policy, reference).accuracy((1, 2, 8))
    assert list(found) == ["number"]
    assert list(found["number"]["policy"]) == ["1", "2"]
    assert found["number"]["policy"]["1"]["value"] == pytest.approx(0.25)
    assert found["number"]["policy"]["2"]["value"] == pytest.approx(5 / 6 / 2)
    assert found["number"]["reference"]["1"]["value"] == pytest.approx(0.125)
    assert found["number"]["gain_over_reference"]["value"] == pytest.approx(0.125)
    assert found["number"]["gain_over_reference"]["n"] == 2


def test_nothing_checks_nothing_is_told():
    assert _compare([_prompt((1.0,))], [_prompt((1.0,))]).accuracy((1,)) == {}
