"""What a preview says of loss is what the run would do with the group."""

import pytest

from rltrainer.preview.command import preview_run
from tests.rltrainer.run_folder import grpo_config, make_run, ppo_config, read_rows, run
from tests.tiny_model import make_tiny_model

NO_RIGHT_ANSWER = {"brevity_weight": 0.0, "number_weight": 1.0}
FREE = {"coefficient": 0.0}
WOULD = "completion 0: with an advantage 12 of its 12 own tokens would have a loss"


def _preview(tmp_path, base, kind="grpo", *, response=None, **sections):
    make_config = ppo_config if kind == "ppo" else grpo_config
    folder = make_run(tmp_path / "run", {**make_config(base, **sections), "kind": kind})
    preview = preview_run(folder, response=response)
    (completion,) = preview.completions
    return preview, [token for token in completion.tokens if token.part == "completion"]


def pay_in_turn(answers):
    """A reward function by which the first of each four earns their average."""
    return [(0.0, 1.0, -1.0, 0.0)[number % 4] for number in range(len(answers))]


def test_a_group_that_earns_the_same_has_no_loss(base, tmp_path):
    preview, own = _preview(tmp_path, base, reward=NO_RIGHT_ANSWER, kl=FREE)
    assert preview.rewards_of_group == (0.0,) * 4
    assert not any(token.has_loss or token.loss for token in own)
    assert {token.advantage for token in own} == {0.0}
    assert all(token.log_prob < 0 for token in own)
    assert preview.notes[0] == "completion 0: 0 of 36 tokens have a loss; the prompt has none"
    assert preview.notes[-3:] == (
        "all completions of this group earn the same, so that their advantages are 0",
        "without an advantage there is no loss, and the run learns nothing from it",
        WOULD,
    )


def test_the_run_learns_as_little_from_such_groups(base, tmp_path):
    """Whatever the preview says, this is the run that it speaks of."""
    config = grpo_config(base, reward=NO_RIGHT_ANSWER, kl=FREE, stop={"steps": 1})
    folder = make_run(tmp_path / "run", config)
    assert run("train", folder) == (0, "")
    (values,) = [row["values"] for row in read_rows(folder / "metrics.jsonl")]
    assert (values["zero_std_fraction"], values["rows_spared"]) == (1.0, 12)


def test_a_price_of_distance_gives_a_loss_without_advantages(base, tmp_path):
    elsewhere = make_tiny_model(tmp_path / "elsewhere", seed=5)
    preview, own = _preview(tmp_path, base, reward=NO_RIGHT_ANSWER, model={"reference": str(elsewhere)})
    assert {token.advantage for token in own} == {0.0}
    # Far less than the 1 in 48 tokens that an advantage of 1 would weigh.
    assert all(token.has_loss and 0 < abs(token.loss) < 0.1 / 48 for token in own)
    assert preview.notes[0].startswith("completion 0: 12 of 36 tokens have a loss")
    assert "without an advantage there is still a loss, from the price of distance" in preview.notes[-1]


def test_the_price_is_0_while_the_policy_is_where_its_reference_is(base, tmp_path):
    preview, own = _preview(tmp_path, base, reward=NO_RIGHT_ANSWER)
    assert all(token.has_loss for token in own)
    assert [token.loss for token in own] == pytest.approx([0.0] * 12, abs=1e-8)
    assert preview.notes[-1].endswith("which is 0 while the policy is where its reference is")


def test_a_reward_of_entropy_gives_a_loss_without_advantages(base, tmp_path):
    entropy = {"entropy_coefficient": 0.01}
    preview, own = _preview(tmp_path, base, reward=NO_RIGHT_ANSWER, kl=FREE, loss=entropy)
    assert all(token.has_loss and token.loss == 0 for token in own)
    assert preview.notes[-1].endswith("from the reward of entropy (loss.entropy_coefficient)")


def test_a_group_without_variance_is_dropped(base, tmp_path):
    # Its rewards differ, but by their form alone.
    preview, own = _preview(tmp_path, base, "dapo", reward=NO_RIGHT_ANSWER, response="no")
    assert len(set(preview.rewards_of_group)) == 2
    assert not any(token.has_loss or token.loss for token in own)
    assert {token.advantage for token in own} == {None}
    assert any(
        note.startswith("dynamic sampling drops this group") and "earn the same for the task" in note
        for note in preview.notes
    )
    assert not any("its siblings" in note for note in preview.notes)
    assert preview.notes[-1] == "completion 0: with an advantage 3 of its 3 own tokens would have a loss"


def test_a_group_that_differs_by_less_than_the_doubt_of_its_judges_is_dropped(base, judges, tmp_path):
    reward = {"brevity_weight": 0.0, "model": judges[0], "ensemble": judges[1:]}
    noise = {"noise_factor": 1e3}
    preview, own = _preview(tmp_path, base, "dapo", reward=reward, dynamic_sampling=noise)
    assert len(set(preview.rewards_of_group)) == 4
    assert not any(token.has_loss or token.loss for token in own)
    assert {token.advantage for token in own} == {None}
    (why,) = [note for note in preview.notes if note.startswith("dynamic sampling drops this group")]
    assert "less than dynamic_sampling.noise_factor (1000) times what the reward models are unsure of" in why
    assert preview.notes[-1] == WOULD


def test_a_group_that_differs_by_more_is_learned_from(base, judges, tmp_path):
    reward = {"brevity_weight": 0.0, "model": judges[0], "ensemble": judges[1:]}
    noise = {"rule": "noise", "noise_factor": 1e-3}
    preview, own = _preview(tmp_path, base, "dapo", reward=reward, dynamic_sampling=noise)
    assert all(token.has_loss and token.loss * token.advantage < 0 for token in own)
    assert not any("dynamic sampling" in note for note in preview.notes)


def test_a_single_judge_leaves_no_group_out_and_the_preview_says_so(base, judges, tmp_path):
    reward = {"brevity_weight": 0.0, "model": judges[0]}
    preview, own = _preview(tmp_path, base, "dapo", reward=reward)
    assert all(token.has_loss for token in own)
    (idle,) = [note for note in preview.notes if "dynamic sampling" in note]
    assert idle.startswith("dynamic sampling keeps every group: a learned reward hardly ever")
    assert "Name further reward models in reward.ensemble" in idle


def test_dropped_groups_that_fill_a_step_up_are_told_of(base, tmp_path):
    fill = {"on_cap": "fill_with_zero_advantage"}
    priced = {"coefficient": 0.1}
    preview, own = _preview(tmp_path, base, "dapo", reward=NO_RIGHT_ANSWER, dynamic_sampling=fill, kl=priced)
    assert not any(token.has_loss for token in own)
    (filled,) = [note for note in preview.notes if "dynamic_sampling.on_cap" in note]
    assert "these have a loss from the price of distance (kl.coefficient)" in filled


def test_a_completion_that_earns_the_average_has_no_loss_though_others_have(base, tmp_path):
    reward = {"brevity_weight": 0.0, "function": f"{__name__}:pay_in_turn"}
    preview, own = _preview(tmp_path, base, kl=FREE, reward=reward)
    assert preview.rewards_of_group == (0.0, 1.0, -1.0, 0.0)
    assert not any(token.has_loss for token in own)
    assert "completion 0: earns what its group does on average, so that its advantage is 0" in preview.notes
    assert preview.notes[-1] == WOULD


def test_a_single_token_of_ppo_has_nothing_to_differ_from(base, tmp_path):
    preview, own = _preview(tmp_path, base, "ppo", kl=FREE, rollout={"max_new_tokens": 1})
    assert [(token.has_loss, token.advantage) for token in own] == [(False, 0.0)]
    assert "completion 0: all of its advantages are 0" in preview.notes


def test_a_shared_critic_learns_without_advantages(base, tmp_path):
    shared = {"kind": "shared", "warmup_steps": 0}
    preview, own = _preview(tmp_path, base, "ppo", kl=FREE, critic=shared, rollout={"max_new_tokens": 1})
    assert [(token.has_loss, token.loss) for token in own] == [(True, 0.0)]
    assert preview.notes[-1].endswith("from the critic on the policy's own body (critic.coefficient)")
