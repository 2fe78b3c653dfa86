import json

import pytest

from rewardmodel.records import DataError, PromptRecord
from rltrainer.config_sections import RolloutConfig
from rltrainer.judged_records import judged_group
from rltrainer.rewards.weighted import WeightedReward
from rltrainer.rollouts.judged import FOREIGN_VERSION, JudgedGroups, load_judged_groups

ROLLOUT = RolloutConfig(source="judged", group_size=2, max_new_tokens=8, temperature=0.8)


def _write(folder, renderer, *, count=5, texts=("yes", "no"), scores=(1.0, -0.5), temperature=0.8, **changes):
    """A file of groups; `changes` go into the first completion of the first group."""
    (folder / "data").mkdir(exist_ok=True)
    path = folder / "data/groups.jsonl"
    rows = []
    for number in range(count):
        prompt = PromptRecord(f"q{number}", ({"role": "user", "content": f"say {number}"},), {})
        responses = []
        for sample, text in enumerate(texts):
            rendering = renderer.render(prompt.prompt, text)
            ids = list(rendering.token_ids[rendering.response_start :])
            responses.append(
                {"sample": sample, "token_ids": ids, "log_probs": [-0.5] * len(ids), "finish_reason": "stop", "seed": 0}
            )
        rows.append(judged_group(prompt, responses, dict(enumerate(scores)), temperature=temperature))
    rows[0]["completions"][0].update(changes)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _load(path, renderer, rollout=ROLLOUT, *, held_out=(), max_prompt_tokens=100):
    return load_judged_groups(
        path, renderer, rollout, vocabulary=len(renderer.tokenizer), max_prompt_tokens=max_prompt_tokens,
        held_out=held_out,
    )  # fmt: skip


def test_groups_carry_what_was_sampled_and_what_people_said(tmp_path, renderer):
    given = _load(_write(tmp_path, renderer), renderer)
    (first, *_) = WeightedReward({"judged": (2.0, given.score)}).score(given.groups)
    assert first.texts == ("yes", "no")
    assert first.rewards == first.task_rewards == (2.0, -1.0)
    assert first.policy_version == FOREIGN_VERSION
    assert first.completions[0].log_probs == (-0.5,) * 4
    assert first.prompt.token_ids == renderer.render([{"role": "user", "content": "say 0"}]).token_ids


def test_equal_completions_have_peoples_mean(tmp_path, renderer):
    given = _load(_write(tmp_path, renderer, texts=("yes", "yes")), renderer)
    (first, *_) = WeightedReward({"judged": (1.0, given.score)}).score(given.groups)
    assert first.rewards == (0.25, 0.25)


def test_held_out_prompts_teach_nothing(tmp_path, renderer):
    path = _write(tmp_path, renderer, count=3)
    given = _load(path, renderer, held_out={"q1"})
    assert [group.prompt.record.prompt_id for group in given.groups] == ["q0", "q2"]
    with pytest.raises(DataError, match=r"groups\.jsonl: has no group of a prompt that is not held out"):
        _load(path, renderer, held_out={"q0", "q1", "q2"})


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ({"temperature": 1.0}, "temperature: sampled at 1, the run has another; set rollout.temperature to 1"),
        ({"texts": ("a", "b", "c"), "scores": (1, 2, 3)}, "completions: 3 of them, but rollout.group_size is 2"),
        ({"texts": ("a" * 8, "b")}, r"completions\[0\]\.token_ids: 9 tokens exceed rollout.max_new_tokens \(8\)"),
        ({"token_ids": [99999] * 4}, r"completions\[0\]\.token_ids: 99999 is no token of this model"),
        ({"finish_reason": "length"}, r"completions\[0\]\.finish_reason: 'length' does not fit the last token"),
        ({"token_ids": [1, 1, 1, 1]}, r"completions\[0\]\.finish_reason: 'stop' does not fit the last token"),
    ],
)
def test_groups_of_another_kind_of_run_are_refused(tmp_path, renderer, written, fault):
    with pytest.raises(DataError, match=rf"groups\.jsonl, prompt q0: {fault}"):
        _load(_write(tmp_path, renderer, **written), renderer)


def test_a_prompt_that_is_too_long_is_refused(tmp_path, renderer):
    with pytest.raises(DataError, match=r"prompt q0: prompt: \d+ tokens exceed data\.max_prompt_tokens \(3\)"):
        _load(_write(tmp_path, renderer), renderer, max_prompt_tokens=3)


def _source(given, seed=1):
    return JudgedGroups(
        given.groups, reward=WeightedReward({"judged": (1.0, given.score)}), groups_per_step=2, seed=seed
    )


def _ids(collected):
    return [group.prompt.record.prompt_id for group in collected.groups]


def test_each_group_once_a_pass_and_in_another_order_each_time(tmp_path, renderer):
    given = _load(_write(tmp_path, renderer, count=10), renderer)
    source = _source(given)
    steps = [source.collect(step) for step in range(10)]
    first, second = ([name for step in steps[start : start + 5] for name in _ids(step)] for start in (0, 5))
    assert sorted(first) == sorted(second) == sorted(group.prompt.record.prompt_id for group in given.groups)
    assert first != second
    assert steps[-1].metrics["data_passes"] == 2.0
    assert all(group.rewards for step in steps for group in step.groups)
    assert (steps[0].batches, steps[0].missing_groups, steps[0].stop) == (0, 0, "")


def test_a_source_goes_on_where_another_stood(tmp_path, renderer):
    given = _load(_write(tmp_path, renderer), renderer)
    whole, half = _source(given), _source(given)
    for step in range(3):
        whole.collect(step)
        half.collect(step)
    resumed = _source(given)
    resumed.restore(json.loads(json.dumps(half.state())))
    for step in range(3, 6):
        assert _ids(whole.collect(step)) == _ids(resumed.collect(step))
