"""The real command with dynamic sampling over learned rewards."""

import json

import pytest

from tests.rltrainer.run_folder import grpo_config, make_run, read_json, read_rows, run

IDLE = "dynamic sampling keeps every group: a learned reward hardly ever gives two answers the same"


def _config(base, judges, **dynamic):
    first, *others = judges
    config = grpo_config(
        base,
        reward={"brevity_weight": 0.0, "model": first, "ensemble": others},
        dynamic_sampling={"max_batches": 2, **dynamic},
        rollout={"prompts_per_step": 2},
        stop={"steps": 2},
    )
    return {**config, "kind": "dapo"}


def _run(folder, config):
    assert run("train", make_run(folder, config)) == (0, "")
    return [row["values"] for row in read_rows(folder / "metrics.jsonl")]


def test_learned_rewards_always_differ_and_every_group_is_kept(base, judges, tmp_path):
    for values in _run(tmp_path / "run", _config(base, judges, rule="variance")):
        assert (values["keep_rate"], values["zero_std_fraction"], values["generation_batches"]) == (1.0, 0.0, 1.0)
        assert values["reward_noise"] > 0
    result = read_json(tmp_path / "run" / "result.json")
    assert result["win_rate_by"] == "model"
    (warning,) = result["warnings"]
    assert warning["sentence"].startswith(f"{IDLE}. Take dynamic_sampling.rule 'auto'")


def test_differences_below_the_doubt_of_the_models_teach_nothing(base, judges, tmp_path):
    # Judges that agree on nothing: their doubt is of the size of the differences that they see.
    lenient, strict = (
        _run(tmp_path / name, _config(base, judges, noise_factor=factor))
        for name, factor in (("lenient", 1e-3), ("strict", 1e3))
    )
    assert all(values["keep_rate"] == 1.0 for values in lenient)
    assert all((values["keep_rate"], values["groups_missing"]) == (0.0, 2) for values in strict)
    assert all("grad_norm" not in values for values in strict)
    assert read_json(tmp_path / "lenient" / "result.json")["warnings"] == []


@pytest.mark.parametrize("checkpoint_every", [1, 1000])
def test_a_single_judge_is_told_of_once_also_after_a_resume(base, judges, tmp_path, checkpoint_every):
    config = {**_config(base, judges[:1]), "checkpoint": {"every_steps": checkpoint_every}}
    folder = tmp_path / "run"
    assert all(values["keep_rate"] == 1.0 for values in _run(folder, config))
    told = read_json(folder / "result.json")["warnings"]
    advice = "Name further reward models in reward.ensemble, and groups that differ by less than these among themselves"
    assert told == [
        {
            "step": 0,
            "brake": "dynamic_sampling",
            "action": "warn",
            "sentence": f"{IDLE}. {advice} are left out",
        }
    ]
    assert read_json(folder / "status.json")["warnings"] == told
    # Taken up again at its last checkpoint, for one step more.
    (folder / "result.json").unlink()
    (folder / "config.json").write_text(json.dumps({**config, "stop": {"steps": 3}}))
    assert run("train", folder) == (0, "")
    result = read_json(folder / "result.json")
    assert (result["steps"], result["warnings"]) == (3, told)
