import json

import pytest

from rltrainer.__main__ import main
from rltrainer.preview.command import preview_run
from tests.rltrainer.run_folder import grpo_config, make_run, ppo_config


def _run(tmp_path, base, kind="grpo", **sections):
    make_config = ppo_config if kind == "ppo" else grpo_config
    return make_run(tmp_path / "run", {**make_config(base, **sections), "kind": kind})


def _split(completion):
    tokens = completion.tokens
    return [t for t in tokens if t.part == "prompt"], [t for t in tokens if t.part == "completion"]


def test_exactly_the_completions_tokens_have_a_loss(base, renderer, tmp_path):
    preview = preview_run(_run(tmp_path, base), prompt=2, response="yes")
    (completion,) = preview.completions
    prompt, own = _split(completion)
    assert preview.prompt_id == "q2"
    assert [token.token_id for token in prompt] == list(renderer.render(preview.prompt).token_ids)
    assert [token.text for token in own] == ["y", "e", "s", "<|end|>"]
    assert [token.is_stop for token in own] == [False, False, False, True]
    assert all(token.loss == 0 and token.predicted_at is None for token in prompt)
    assert [token.position for token in completion.tokens] == list(range(len(completion.tokens)))
    assert [token.predicted_at for token in own] == [token.position - 1 for token in own]
    # Token mean: every token of a completion weighs the same; that of the shortest one, which earns most, is below 0.
    assert len({token.loss for token in own}) == 1
    assert own[0].loss < 0 and all(token.has_loss for token in own)
    assert preview.notes[0] == f"completion 0: 4 of {len(prompt) + 4} tokens have a loss; the prompt has none"


def test_weights_are_those_of_the_aggregation(base, tmp_path):
    folder = _run(tmp_path, base, loss={"aggregation": "grpo"})
    (completion,) = preview_run(folder, response="four").completions
    _, own = _split(completion)
    assert own[0].advantage > 0
    assert [token.loss for token in own] == pytest.approx([-own[0].advantage / (4 * 5)] * 5)


def test_a_response_that_is_too_long_is_cut_and_left_out_where_asked(base, tmp_path):
    folder = _run(tmp_path, base, loss={"mask_truncated": True})
    preview = preview_run(folder, response="x" * 40)
    (completion,) = preview.completions
    _, own = _split(completion)
    assert (completion.finish_reason, completion.is_counted, len(own)) == ("length", False, 12)
    assert not any(token.loss or token.has_loss or token.is_stop for token in own)
    assert any("is left out of the loss" in note for note in preview.notes)
    assert any("was cut off at 12 tokens" in note for note in preview.notes)


def test_parts_of_the_reward_are_told_apart(base, tmp_path):
    reward = {"number_weight": 2.0, "overlong_factor": 1.0, "overlong_tokens": 10, "brevity_weight": 0.0}
    folder = _run(tmp_path, base, reward=reward)
    (completion,) = preview_run(folder, prompt=3, response="is 3").completions
    parts = {part.name: (part.value, part.weight, part.is_shaping) for part in completion.parts}
    assert parts == {"number": (1.0, 2.0, False), "overlong": (-0.3, 1.0, True)}
    assert (completion.reward, completion.task_reward) == (pytest.approx(1.7), 2.0)


def test_the_sampled_completion_is_that_of_the_runs_first_step(base, tmp_path):
    folder = _run(tmp_path, base)
    first, again = (preview_run(folder, prompt=1, completion=2) for _ in range(2))
    assert first == again
    other = preview_run(folder, prompt=1, completion=1)
    assert other.rewards_of_group == first.rewards_of_group
    assert other.completions[0].tokens != first.completions[0].tokens
    advantages = {token.advantage for token in first.completions[0].tokens if token.part == "completion"}
    assert len(advantages) == 1


def test_of_ppo_the_reward_is_at_the_end_and_values_before_each_token(base, tmp_path):
    preview = preview_run(_run(tmp_path, base, "ppo"), response="yes")
    (completion,) = preview.completions
    prompt, own = _split(completion)
    # The policy is where its reference is: distance costs nothing yet.
    assert [token.reward for token in own[:-1]] == pytest.approx([0.0] * 3, abs=1e-6)
    assert own[-1].reward == pytest.approx(completion.reward, abs=1e-6)
    assert all(token.value is not None and token.value_target is not None for token in own)
    assert all(token.value is None and token.reward is None for token in prompt)
    assert len({token.advantage for token in own}) > 1
    assert any("in the first 2 steps only the critic learns" in note for note in preview.notes)


@pytest.mark.parametrize("kind", ["grpo", "rloo", "dapo", "ppo"])
def test_every_kind_has_a_preview(base, tmp_path, kind, capsys):
    folder = _run(tmp_path, base, kind)
    assert main(["preview", str(folder), "--json", "--save"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((folder / "preview.json").read_text())
    assert (printed["schema"], printed["kind"]) == (1, kind)
    assert not (folder / "status.json").exists()


@pytest.mark.parametrize(
    ("kind", "sections"),
    [
        ("ppo", {"critic": {"kind": "shared", "warmup_steps": 0}}),
        ("grpo", {"model": {"adapter_rank": 2}}),
        ("grpo", {"optimizer": {"passes": 2, "minibatches": 2}, "loss": {"ratio": "sequence"}}),
        ("grpo", {"loss": {"surrogate": "cispo", "aggregation": "dr_grpo"}, "kl": {"estimator": "k2"}}),
    ],
)
def test_other_settings_learn_from_the_same_tokens(base, tmp_path, kind, sections):
    (completion,) = preview_run(_run(tmp_path, base, kind, **sections), response="yes").completions
    prompt, own = _split(completion)
    assert not any(token.loss or token.has_loss for token in prompt)
    assert all(token.has_loss and token.loss * token.advantage < 0 for token in own)
    if kind == "ppo":
        assert all(token.value is not None for token in own)


def test_given_groups_are_shown_as_they_are_given(base, renderer, tmp_path):
    rollout = {"source": "judged", "group_size": 2, "prompts_per_step": 1}
    folder = _run(tmp_path, base, rollout=rollout, reward={"brevity_weight": 0.0})
    rows = []
    for number in range(12):
        messages = ({"role": "user", "content": f"say {number}"},)
        completions = []
        for text, score in (("yes", 1.0), ("no", -1.0)):
            rendering = renderer.render(messages, text)
            ids = rendering.token_ids[rendering.response_start :]
            completions.append(
                {"token_ids": ids, "log_probs": [-5.5] * len(ids), "finish_reason": "stop", "score": score}
            )
        rows.append({"prompt_id": f"q{number}", "prompt": messages, "temperature": 1.0, "completions": completions})
    (folder / "data/groups.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    preview = preview_run(folder, prompt=0, completion=1)
    (completion,) = preview.completions
    assert (completion.text, completion.reward, preview.rewards_of_group) == ("no", -1.0, (1.0, -1.0))
    assert [(part.name, part.value) for part in completion.parts] == [("judged", -1.0)]
    assert main(["preview", str(folder), "--response", "maybe"]) == 2
