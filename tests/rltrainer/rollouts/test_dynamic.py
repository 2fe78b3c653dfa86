import json

import pytest

from rewardmodel.config_parsing import ConfigError
from rltrainer.rollouts.keep_rules import is_flat
from tests.rltrainer.rollouts.scripted_collector import RIGHT, STOP, WRONG, make_collector, solvable_share

FIFTH = solvable_share(5)


def _useful(groups):
    return sum(not is_flat(group) for group in groups)


def _never(prompt, seed):
    return [WRONG, STOP]


def _always(prompt, seed):
    return [RIGHT, STOP]


def test_without_it_a_step_draws_once_and_keeps_all(renderer):
    collector = make_collector(renderer, FIFTH, enabled=False)
    collected = collector.collect(0)
    assert [len(collected.groups), collected.batches, collected.missing_groups] == [4, 1, 0]
    assert collected.groups == collected.all_groups
    assert set(collected.metrics) == {"data_passes", "flat_low_fraction", "flat_high_fraction"}
    assert collector.prompts.drawn == 4


def test_it_keeps_far_more_useful_groups_where_a_fifth_of_the_prompts_is_solvable(renderer):
    # The same number of updates, the same prompts and seeds.
    plain = make_collector(renderer, FIFTH, enabled=False)
    dynamic = make_collector(renderer, FIFTH)
    useful_plain = sum(_useful(plain.collect(step).groups) for step in range(20))
    useful_dynamic = sum(_useful(dynamic.collect(step).groups) for step in range(20))
    assert useful_dynamic == 20 * 4
    assert useful_dynamic >= 1.5 * useful_plain


def test_every_step_is_full_and_holds_useful_groups_only(renderer):
    collector = make_collector(renderer, FIFTH)
    for step in range(5):
        collected = collector.collect(step)
        assert len(collected.groups) == _useful(collected.groups) == 4
        assert len(collected.all_groups) > 4
        assert collected.metrics["flat_low_fraction"] == pytest.approx(1 - collected.metrics["keep_rate"])
        assert collected.metrics["flat_high_fraction"] == 0.0


def test_the_expected_keep_rate_decides_how_many_are_drawn(renderer):
    collector = make_collector(renderer, FIFTH)
    first = collector.collect(0)
    batches = [collector.collect(step).batches for step in range(1, 8)]
    assert sum(batches) / len(batches) < first.batches
    assert 0.1 < collector.keep_rate < 0.4


def test_no_seed_is_used_twice_in_a_step(renderer):
    collected = make_collector(renderer, FIFTH).collect(0)
    seeds = [completion.seed for group in collected.all_groups for completion in group.completions]
    assert len(set(seeds)) == len(seeds)


def test_surplus_groups_serve_later_steps_while_they_are_fresh(renderer):
    collector = make_collector(renderer, FIFTH, stale_steps=1)
    surplus = [collector.collect(step) for step in range(6)]
    used = [collected.metrics["groups_carried"] for collected in surplus]
    left = [collected.metrics["groups_surplus"] for collected in surplus]
    stale = [collected.metrics["groups_stale"] for collected in surplus]
    assert sum(used) > 0
    # What one step leaves, the next uses or throws away.
    assert left[:-1] == [carried + old for carried, old in zip(used[1:], stale[1:], strict=True)]
    for step, collected in enumerate(surplus):
        versions = [group.policy_version for group in collected.groups]
        assert versions == sorted(versions)
        assert set(versions) <= {step - 1, step}


def test_by_default_no_group_of_an_older_policy_is_used(renderer):
    collector = make_collector(renderer, FIFTH)
    assert all(group.policy_version == step for step in range(5) for group in collector.collect(step).groups)
    assert collector.state()["carried"] == []


def test_the_data_begin_anew_in_another_order(renderer):
    collector = make_collector(renderer, FIFTH, prompts=10)
    collected = [collector.collect(step) for step in range(4)]
    asked = [group.prompt.record.prompt_id for one in collected for group in one.all_groups]
    assert collected[-1].metrics["data_passes"] == len(asked) / 10 > 2
    assert sorted(asked[:10]) == sorted(asked[10:20])
    assert asked[:10] != asked[10:20]


@pytest.mark.parametrize("step", range(5))
def test_a_restored_collector_goes_on_bit_by_bit_the_same(renderer, step):
    settings = {"stale_steps": 2, "noise": 0.1}
    straight = make_collector(renderer, FIFTH, **settings)
    for number in range(step):
        straight.collect(number)
    saved = json.loads(json.dumps(straight.state()))
    resumed = make_collector(renderer, FIFTH, **settings)
    resumed.restore(saved)
    for number in range(step, step + 3):
        assert resumed.collect(number) == straight.collect(number)
    assert resumed.state() == straight.state()


def test_a_step_done_again_after_an_interruption_is_the_same(renderer):
    collector = make_collector(renderer, FIFTH, stale_steps=1)
    collector.collect(0)
    before = collector.state()
    first = collector.collect(1)
    collector.restore(before)
    assert collector.collect(1) == first


class TestAtTheCap:
    def test_it_learns_from_what_there_is(self, renderer):
        collected = make_collector(renderer, FIFTH, max_batches=1, prompts_per_step=16).collect(0)
        assert 0 < len(collected.groups) == _useful(collected.groups) < 16
        assert collected.missing_groups == 16 - len(collected.groups)
        assert collected.stop == ""

    def test_nothing_useful_is_an_empty_step_and_no_fault(self, renderer):
        collected = make_collector(renderer, _never, max_batches=3).collect(0)
        assert (collected.groups, collected.batches, collected.missing_groups) == ([], 3, 4)
        assert collected.metrics["flat_low_fraction"] == 1.0

    def test_missing_groups_are_filled_with_groups_of_no_advantage(self, renderer):
        settings = {"max_batches": 1, "prompts_per_step": 16}
        partial = make_collector(renderer, FIFTH, **settings).collect(0)
        filled = make_collector(renderer, FIFTH, on_cap="fill_with_zero_advantage", **settings).collect(0)
        assert filled.groups[: len(partial.groups)] == partial.groups
        fillers = filled.groups[len(partial.groups) :]
        assert len(fillers) == filled.missing_groups == partial.missing_groups
        assert all(len(set(group.rewards)) == 1 for group in fillers)

    def test_noisy_groups_are_levelled_when_they_fill(self, renderer):
        collector = make_collector(
            renderer, FIFTH, max_batches=1, rule="noise", noise=9.0, on_cap="fill_with_zero_advantage", prompts=4
        )
        collected = collector.collect(0)
        assert [_useful(collected.all_groups), collected.missing_groups] == [1, 4]
        assert all(len(set(group.rewards)) == 1 for group in collected.groups)

    def test_it_can_end_the_run_with_a_plain_sentence(self, renderer):
        collected = make_collector(renderer, _never, max_batches=2, on_cap="stop").collect(0)
        assert collected.stop == (
            "after 2 batches of prompts only 0 of 4 groups have something to teach: of 44 sampled, 100% all fail and "
            "0% all pass; the prompts are too hard"
        )

    def test_it_ends_nothing_while_steps_are_full(self, renderer):
        assert make_collector(renderer, FIFTH, on_cap="stop").collect(0).stop == ""


def test_noise_of_the_reward_model_hides_small_differences(renderer):
    # Half right, half wrong: a deviation of about 0.53.
    sure = make_collector(renderer, FIFTH, rule="noise", noise=0.5, noise_factor=1.0)
    unsure = make_collector(renderer, FIFTH, rule="noise", noise=2.0, noise_factor=1.0, max_batches=2)
    assert len(sure.collect(0).groups) == 4
    assert unsure.collect(0).groups == []


def test_the_noise_rule_needs_an_ensemble(renderer):
    with pytest.raises(ConfigError, match=r"dynamic_sampling.rule: 'noise' compares with"):
        make_collector(renderer, FIFTH, rule="noise").collect(0)


def test_prompts_are_reported_as_too_hard_or_too_easy(renderer):
    collector = make_collector(renderer, FIFTH, prompts=10)
    for step in range(3):
        collector.collect(step)
    rows = collector.history.report()
    hard = {row["prompt_id"] for row in rows if row["verdict"] == "too_hard"}
    assert hard == {f"q{i}" for i in range(10) if i % 5}
    assert rows[0]["verdict"] == "too_hard"
    assert rows[0]["all_low"] == rows[0]["groups"]
    assert collector.history.summary() == {"asked": 10, "too_hard": 8, "too_easy": 0}


def test_a_single_completion_a_prompt_is_never_flat(renderer):
    collector = make_collector(renderer, _always, group_size=1, enabled=False)
    collected = collector.collect(0)
    assert len(collected.groups) == 4
    assert set(collected.metrics) == {"data_passes"}
