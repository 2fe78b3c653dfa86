"""A run shows what its policy answers in between, and learns the very same."""

import pytest
import torch
from safetensors.torch import load_file

from rltrainer.config_sections import EvaluationConfig
from rltrainer.shown_answers import is_time_to_ask
from tests.rltrainer.run_folder import grpo_config, make_run, read_json, read_rows, run


@pytest.mark.parametrize(("step", "expected"), [(0, False), (1, False), (3, True), (4, False), (6, True)])
def test_people_are_asked_after_every_so_many_steps(step, expected):
    assert is_time_to_ask(step, EvaluationConfig(people_every_steps=3)) is expected
    assert not is_time_to_ask(step, EvaluationConfig())


def test_answers_of_some_steps_are_shown_and_nothing_else_changes(base, tmp_path):
    silent = make_run(tmp_path / "silent", grpo_config(base, stop={"steps": 5}))
    asking = make_run(tmp_path / "asking", grpo_config(base, stop={"steps": 5}, evaluation={"people_every_steps": 2}))
    for folder in (silent, asking):
        assert run("train", folder) == (0, "")
    mine, theirs = (load_file(folder / "model" / "model.safetensors") for folder in (silent, asking))
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    shown = [(row["step"], row["source"]) for row in read_rows(asking / "samples.jsonl")]
    # One answer to the one prompt in between, as many as are asked for before and after.
    assert shown == [*[(0, "reference")] * 2, (2, "policy"), (4, "policy"), *[(5, "policy")] * 2]
    assert read_json(asking / "result.json")["samples"] == 6


def test_a_run_that_goes_on_shows_each_step_once(base, tmp_path):
    config = grpo_config(base, stop={"steps": 2}, evaluation={"people_every_steps": 1})
    folder = make_run(tmp_path / "run", config)
    assert run("train", folder) == (0, "")
    before = read_rows(folder / "samples.jsonl")
    (folder / "result.json").unlink()
    config["stop"] = {"steps": 4}
    make_run(tmp_path / "longer", config)
    (folder / "config.json").write_bytes((tmp_path / "longer" / "config.json").read_bytes())
    assert run("train", folder) == (0, "")
    steps = [row["step"] for row in read_rows(folder / "samples.jsonl") if row["source"] == "policy"]
    assert [row["step"] for row in before if row["source"] == "policy"] == [1, 2, 2]
    assert steps == [1, 2, 3, 4, 4]


def test_an_answer_needs_a_prompt():
    faults = list(EvaluationConfig(people_every_steps=2, shown_prompts=0).validate())
    assert faults == ["people_every_steps: people see the answers to the shown prompts; set shown_prompts to 1 or more"]
