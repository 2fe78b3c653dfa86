"""The real command with dynamic sampling over learned rewards."""

from tests.rltrainer.run_folder import grpo_config, make_run, read_json, read_rows, run


def _run(base, judges, folder, **dynamic):
    first, *others = judges
    config = grpo_config(
        base,
        reward={"brevity_weight": 0.0, "model": first, "ensemble": others},
        dynamic_sampling={"max_batches": 2, **dynamic},
        rollout={"prompts_per_step": 2},
        stop={"steps": 2},
    )
    assert run("train", make_run(folder, {**config, "kind": "dapo"})) == (0, "")
    return [row["values"] for row in read_rows(folder / "metrics.jsonl")]


def test_learned_rewards_always_differ_and_every_group_is_kept(base, judges, tmp_path):
    for values in _run(base, judges, tmp_path / "run"):
        assert (values["keep_rate"], values["zero_std_fraction"], values["generation_batches"]) == (1.0, 0.0, 1.0)
        assert values["reward_noise"] > 0
    assert read_json(tmp_path / "run" / "result.json")["win_rate_by"] == "model"


def test_differences_below_the_doubt_of_the_models_teach_nothing(base, judges, tmp_path):
    # Judges that agree on nothing: their doubt is of the size of the differences that they see.
    lenient, strict = (
        _run(base, judges, tmp_path / name, rule="noise", noise_factor=factor)
        for name, factor in (("lenient", 1e-3), ("strict", 1e3))
    )
    assert all(values["keep_rate"] == 1.0 for values in lenient)
    assert all((values["keep_rate"], values["groups_missing"]) == (0.0, 2) for values in strict)
    assert all("grad_norm" not in values for values in strict)
