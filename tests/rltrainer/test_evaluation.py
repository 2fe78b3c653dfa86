import pytest

from tests.rltrainer.run_folder import make_run, read_json, run
from tests.tiny_model import make_tiny_model


def _config(policy, reference):
    return {
        "kind": "policy-evaluate",
        "seed": 5,
        "model": {
            "path": str(policy), "reference": str(reference), "precision": "float32", "threads": 1, "device": "cpu",
        },
        "sampling": {"responses_per_prompt": 3, "max_new_tokens": 10},
        "reward": {"brevity_weight": 1.0},
    }  # fmt: skip


def test_a_policy_is_no_better_than_itself(base, tmp_path):
    folder = make_run(tmp_path / "run", _config(base, base))
    code, output = run("evaluate", folder)
    assert code == 0, output
    result = read_json(folder / "result.json")
    assert result["reward_policy"] == result["reward_reference"]
    assert result["reward_gain"]["value"] == pytest.approx(0.0, abs=1e-12)
    assert result["kl_sequence"] == result["kl_token"] == 0.0


def test_another_policy_is_some_way_off(base, tmp_path):
    other = make_tiny_model(tmp_path / "other", seed=9)
    folder = make_run(tmp_path / "run", _config(other, base))
    code, output = run("evaluate", folder)
    assert code == 0, output
    result = read_json(folder / "result.json")
    assert result["kl_token"] > 0
    assert result["reward_policy"]["n"] == 36
