"""What the written job reads of a run: its files and folders, and the reward as its own config says it."""

import json
import shutil
import typing
from dataclasses import fields, replace

import pytest
import torch
import yaml

from rltrainer.__main__ import main
from rltrainer.config import parse_config
from rltrainer.config_reward import RewardConfig
from rltrainer.verl import scoring
from tests.rltrainer.run_folder import make_run
from tests.rltrainer.verl.field_walk import BASES, USED_BY_THE_EXPORT, change, other_values
from tests.rltrainer.verl.test_export import job_config


def _export(folder, config):
    """What the written job consists of; its own folder's name is left out of it."""
    run = make_run(folder / "run", config)
    assert main(["export-verl", str(run)]) == 0
    texts = {path.name: path.read_text() for path in (run / "verl").rglob("*.*") if path.is_file()}
    return {name: text.replace(str(run), "RUN") for name, text in texts.items()}


@pytest.fixture(scope="module")
def other_model(base, tmp_path_factory):
    return shutil.copytree(base, tmp_path_factory.mktemp("other") / "model")


@pytest.fixture(scope="module")
def plain_job(base, tmp_path_factory):
    return _export(tmp_path_factory.mktemp("plain"), job_config(base, "ppo"))


@pytest.mark.parametrize("key", USED_BY_THE_EXPORT)
def test_what_is_used_by_the_export_changes_the_job(base, tmp_path, plain_job, other_model, key):
    rows = [
        {"prompt_id": f"o{n}", "prompt": [{"role": "user", "content": f"ask {n}"}], "metadata": {"answer": n}}
        for n in range(12)
    ]
    (tmp_path / "other.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    values = {"data.prompts": str(tmp_path / "other.jsonl"), "evaluation.prompts": 3}
    section, name = key.split(".")
    changed = _export(tmp_path, job_config(base, "ppo", **{section: {name: values.get(key, str(other_model))}}))
    files = {"job.yaml"} if key.endswith(".path") else {"train.jsonl", "held_out.jsonl"}
    assert {file for file, text in changed.items() if text != plain_job[file]} == files


def test_folders_land_where_verl_reads_them(base, tmp_path, other_model):
    for key, place in (("model", ("actor_rollout_ref", "model", "path")), ("critic", ("critic", "model", "path"))):
        found = yaml.safe_load(_export(tmp_path / key, job_config(base, "ppo", **{key: {"path": str(other_model)}}))[
            "job.yaml"
        ])  # fmt: skip
        for part in place:
            found = found[part]
        assert found == str(other_model)


def test_the_reward_is_opened_with_every_setting_of_the_runs_own_config(base, tmp_path, monkeypatch):
    """From the file to the parts: `reward.py` in the job names the run directory alone."""
    monkeypatch.setattr(scoring, "build_reward", lambda directory, parts, **rest: parts)
    hints, walked = typing.get_type_hints(RewardConfig), set()
    for kind, sections in BASES.values():
        saved = parse_config(job_config(base, kind, **sections)).to_dict()
        for field in fields(RewardConfig):
            value = saved["reward"][field.name]
            for other in other_values(f"reward.{field.name}", hints[field.name], value, field.default):
                changed = change(saved, ("reward", field.name), other)
                if field.name in walked or changed is None:
                    continue
                run = make_run(tmp_path / field.name, changed.to_dict())
                # verl computes the price of length itself.
                assert scoring.open_job_reward(run).reward == replace(changed.reward, overlong_factor=0.0), field.name
                walked.add(field.name)
    # These two act beside settings that verl cannot have.
    assert walked == {field.name for field in fields(RewardConfig)} - {"judged_weight", "length_tokens"}


def test_the_reward_computes_where_the_config_says(base, tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "build_reward", lambda directory, parts, **rest: rest["compute"])
    for number, precision in ((1, "float32"), (2, "bfloat16")):
        model = {"device": "cpu", "precision": precision, "threads": number}
        run = make_run(tmp_path / precision, job_config(base, model=model))
        compute = scoring.open_job_reward(run).reward
        assert (compute.device.type, compute.compute_dtype) == ("cpu", getattr(torch, precision))
        assert torch.get_num_threads() == number
