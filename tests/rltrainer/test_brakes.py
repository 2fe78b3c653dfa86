import json

import pytest

from rltrainer.brake_memory import WATCHED, BrakeMemory
from rltrainer.brakes import Brakes, Finding
from rltrainer.config_brakes import WATCH_WINDOWS, BrakesConfig
from rltrainer.gauges import GAUGES

ALL_OFF = dict.fromkeys(GAUGES, "off")


def _brakes(**settings):
    return Brakes(BrakesConfig(**{**ALL_OFF, "window": 2, **settings}))


def _observe(brakes, name, values):
    """Findings after each step."""
    return [brakes.observe(step, {name: value}) for step, value in enumerate(values, start=1)]


def _sentences(brakes, name, values):
    return [found.sentence for findings in _observe(brakes, name, values) for found in findings]


# For each brake its settings, what it is shown, the step at which it must speak, and what it must say.
SPEAKING = [
    (
        {"kl": "warn", "kl_limit": 10.0}, "kl_sequence", [1, 9, 13], 3,
        "the policy is 11.0 nats a completion away from the reference; the limit is 10",
    ),
    (
        {"entropy": "warn", "entropy_limit": 0.1}, "entropy", [2.0, 0.12, 0.06], 3,
        "the policy hardly explores any more: the entropy of its next token is 0.09 nats, below 0.1",
    ),
    (
        {"truncation": "warn"}, "truncated_fraction", [0.0, 0.5, 0.74], 3,
        "62% of completions are cut off at the longest allowed, more than 50%; what they earn is the "
        "reward of a torso",
    ),
    (
        {"length": "warn"}, "length_mean", [10, 10, 30, 32], 4,
        "completions have become 3.1 times longer: 31 tokens on average, 10 at the start",
    ),
    (
        {"length": "warn"}, "length_mean", [40, 40, 10, 10], 4,
        "completions have become 4.0 times shorter: 10 tokens on average, 40 at the start",
    ),
    (
        {"repetition": "warn"}, "repetition_fraction", [0.1, 0.1, 0.3, 0.4], 4,
        "35% of what completions say they have said before, up from 10% at the start",
    ),
    (
        {"uncertainty": "warn"}, "reward_noise", [0.2, 0.2, 0.4, 0.5], 4,
        "the members of the reward model differ by 0.45, 2.2 times the 0.2 at the start: the policy has moved to "
        "answers that they do not know",
    ),
    (
        {"distance": "warn", "distance_limit": 1.4}, "reward_distance", [1.1, 1.3, 1.6, 2.0], 4,
        "what the policy writes lies 1.5 times as far from what the reward model learned from as at the start: 1.80 of "
        "a held-out response's distance, 1.20 at the start; what it earns there is a guess",
    ),
    (
        {"mismatch": "warn"}, "sampler_gap_mean", [0.05, 0.1, 0.14], 3,
        "sampler and trainer no longer compute the same model: the probabilities that they give to a token differ by a "
        "factor of 1.127 on average, the limit is 1.08",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "name", "values", "step", "sentence"), SPEAKING)
def test_a_brake_speaks_when_its_mean_has_passed_the_limit(settings, name, values, step, sentence):
    findings = _observe(_brakes(**settings), name, values)
    brake = next(iter(settings))
    assert findings[step - 1] == [Finding("warn", brake, sentence)]
    assert not any(findings[: step - 1])


@pytest.mark.parametrize(("settings", "name", "values", "step", "sentence"), SPEAKING)
def test_a_brake_that_is_off_says_nothing(settings, name, values, step, sentence):
    assert not any(_observe(_brakes(), name, values))


def test_most_groups_flat_is_told_with_the_side_they_are_on():
    brakes = _brakes(flat="stop", flat_limit=0.5)
    shown = {"zero_std_fraction": 0.7, "flat_low_fraction": 0.62, "flat_high_fraction": 0.08}
    assert brakes.observe(1, shown) == []
    (found,) = brakes.observe(2, shown)
    assert found == Finding("stop", "flat", "62% of groups all fail: the prompts are too hard for this policy")
    easy = _brakes(flat="warn", flat_limit=0.5)
    shown = {"zero_std_fraction": 0.7, "flat_low_fraction": 0.1, "flat_high_fraction": 0.6}
    easy.observe(1, shown)
    assert "60% of groups all pass: the prompts are too easy" in easy.observe(2, shown)[0].sentence
    cut = _brakes(flat="warn", flat_limit=0.5)
    shown = {"zero_std_fraction": 0.9, "flat_low_fraction": 0.9, "flat_high_fraction": 0.0, "truncated_fraction": 0.8}
    cut.observe(1, shown)
    sentence = cut.observe(2, shown)[0].sentence
    assert sentence.startswith("90% of groups all fail, and 80% of completions are cut off before they have answered")


@pytest.mark.parametrize(("now", "told"), [(2e-6, "2e-06"), (0.034, "0.034"), (11.0, "11.0")])
def test_a_small_distance_is_told_with_digits_that_say_something(now, told):
    (sentence,) = _sentences(_brakes(kl="warn", kl_limit=1e-6), "kl_sequence", [now, now])
    assert sentence.startswith(f"the policy is {told} nats a completion away")


def test_a_gain_within_the_doubt_of_the_reward_model_is_told_once_it_is_due():
    brakes = _brakes(gain="warn", gain_steps=4)
    steps = [brakes.observe(step, {"reward": 0.01 * step, "reward_noise": 0.3}) for step in range(1, 7)]
    assert [bool(findings) for findings in steps] == [False, False, False, True, False, False]
    assert "after 4 steps the reward has risen by 0.02, less than the 0.3" in steps[3][0].sentence
    sure = _brakes(gain="warn", gain_steps=4)
    assert not any(sure.observe(step, {"reward": float(step), "reward_noise": 0.3}) for step in range(1, 7))


def test_models_that_have_nothing_in_common_are_told_with_a_number_that_can_be_written():
    (told,) = _sentences(_brakes(mismatch="warn"), "sampler_gap_mean", [1e4, 1e4])
    assert "inf" not in told


class TestPeople:
    def _steps(self, votes, *, rewards, **settings):
        brakes = _brakes(people="stop", **settings)
        found = []
        for step, (win_rate, reward) in enumerate(zip(votes, rewards, strict=True), start=1):
            news = {} if win_rate is None else {"human_win_rate": win_rate, "human_comparisons": 200.0}
            found.extend(brakes.observe(step, {"reward": reward, **news}))
        return [finding.sentence for finding in found]

    def test_a_win_rate_that_falls_while_the_reward_rises_is_told(self):
        told = self._steps([None, 0.6, None, 0.7, None, 0.5], rewards=[0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
        assert told == [
            "people prefer the policy in 50% of 200 comparisons, down from 70%, while its reward rose from 0.5 to "
            "0.9: it may be chasing what the reward gets wrong"
        ]

    def test_a_fall_with_the_reward_is_no_contradiction(self):
        assert not self._steps([None, 0.7, None, 0.5], rewards=[1.0, 1.0, 0.5, 0.2])

    def test_a_fall_that_chance_explains_is_none(self):
        # 12 points of 200 comparisons each: 1.645 standard errors are 7.8 points, of 20 comparisons 25 points.
        votes = [None, 0.70, None, 0.58]
        assert self._steps(votes, rewards=[0, 1, 2, 3])
        assert not self._observe(votes, 20.0)

    def test_few_comparisons_that_all_end_alike_prove_nothing(self):
        # One win and one loss more: 5/6 and 3/6, whose difference has a standard error of 0.25.
        assert not self._observe([None, 1.0, None, 0.6], 4.0)
        assert self._observe([None, 1.0, None, 0.0], 4.0)

    def test_many_judgments_of_a_few_pairs_are_a_few_comparisons(self):
        assert not self._observe([None, 0.9, None, 0.6], 5.0, judgments=500.0)

    def _observe(self, votes, comparisons, judgments=None):
        brakes, found = _brakes(people="warn"), []
        for step, win_rate in enumerate(votes, start=1):
            counts = {"human_comparisons": comparisons, "human_judgments": judgments or comparisons}
            news = {} if win_rate is None else {"human_win_rate": win_rate, **counts}
            found.extend(brakes.observe(step, {"reward": float(step), **news}))
        return found


class TestHysteresis:
    def test_a_warning_is_not_repeated_each_step(self):
        assert len(_sentences(_brakes(kl="warn", kl_limit=1.0), "kl_sequence", [2.0] * 9)) == 1

    def test_it_comes_again_after_the_measurement_was_well_back(self):
        assert len(_sentences(_brakes(kl="warn", kl_limit=1.0), "kl_sequence", [2, 2, 0.95, 0.95, 2, 2])) == 1
        assert len(_sentences(_brakes(kl="warn", kl_limit=1.0), "kl_sequence", [2, 2, 0.8, 0.8, 2, 2])) == 2


@pytest.mark.parametrize(
    ("brake", "name", "calm", "far", "sentence"),
    [
        ("kl", "kl_sequence", 1.0, 21.0, "the policy is 21.0 nats a completion away"),
        ("uncertainty", "reward_noise", 0.2, 0.5, "the members of the reward model differ by 0.5, 2.5 times"),
        ("distance", "reward_distance", 1.0, 2.0, "what the policy writes lies 2.0 times as far"),
    ],
)
def test_a_policy_that_runs_away_is_told_before_a_mean_has_followed(brake, name, calm, far, sentence):
    brakes = _brakes(**{brake: "stop", "window": 10})
    found = _observe(brakes, name, [*[calm] * 10, far, calm, far, far + 1, far])
    assert [len(findings) for findings in found] == [0] * 13 + [1, 0]
    assert found[13][0].sentence.startswith(sentence)


@pytest.mark.parametrize("brake", sorted(GAUGES.keys() - {"gain", "people"}))
def test_which_brakes_say_nothing_before_a_whole_window_is_known_to_the_config(brake):
    memory = BrakeMemory(3)
    memory.record(1, dict.fromkeys(WATCHED, 1.0))
    memory.record(2, dict.fromkeys(WATCHED, 1.0))
    assert (GAUGES[brake](memory, BrakesConfig()) is None) == (brake in WATCH_WINDOWS)


def test_the_distance_needs_no_first_window():
    found = _observe(_brakes(kl="stop", window=10), "kl_sequence", [5.0, 30.0, 25.0])
    assert [len(findings) for findings in found] == [0, 0, 1]


def test_a_measurement_that_a_step_lacks_is_no_measurement():
    brakes = _brakes(kl="warn", kl_limit=1.0)
    assert not brakes.observe(1, {"kl_sequence": 5.0})
    assert not brakes.observe(2, {})
    assert brakes.observe(3, {"kl_sequence": 5.0})


@pytest.mark.parametrize("cut", range(1, 7))
def test_a_restored_brake_goes_on_as_if_nothing_had_been(cut):
    shown = [
        {"kl_sequence": 0.3 * step, "reward": 0.1 * step, "reward_noise": 0.1 + 0.05 * step, "length_mean": 9.0 + step}
        for step in range(1, 8)
    ]
    shown[3] |= {"human_win_rate": 0.8, "human_comparisons": 50.0}
    shown[5] |= {"human_win_rate": 0.4, "human_comparisons": 50.0}
    settings = {"kl": "warn", "kl_limit": 0.7, "uncertainty": "warn", "people": "warn", "gain": "warn", "gain_steps": 4}
    straight, before, after = (_brakes(**settings) for _ in range(3))
    expected = [straight.observe(step, metrics) for step, metrics in enumerate(shown, start=1)]
    assert sum(map(len, expected)) >= 4
    found = [before.observe(step, metrics) for step, metrics in enumerate(shown[:cut], start=1)]
    after.restore(json.loads(json.dumps(before.state())))
    found += [after.observe(step, metrics) for step, metrics in enumerate(shown[cut:], start=cut + 1)]
    assert found == expected
    assert after.state() == straight.state()
