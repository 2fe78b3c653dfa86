"""docs/metrics.md explains every number that a run of any kind writes, and none that no run writes."""

import re

import pytest

from rewardmodel.__main__ import main as rewardmodel_main
from rewardmodel.network import RewardNetwork, save_reward_model
from rewardmodel.runtime.backbones import load_backbone, load_tokenizer
from rltrainer.config import KINDS
from tests.rewardmodel.preferences import make_run as make_reward_run
from tests.rltrainer.familiar import make_familiarity
from tests.rltrainer.offline.run_folder import make_offline_run, offline_config
from tests.rltrainer.run_folder import grpo_config, make_run, ppo_config, read_json, read_rows, run
from trainingruns.metric_words import metric_chapters

POLICY, GIVEN, REWARD = "Policy runs", "Runs on given responses", "Reward runs"
STEP = {"stop": {"steps": 1}}
PEOPLE = (
    '{"step": 0, "win_rate": 0.75, "low": 0.5, "high": 1.0, "judgments": 4, "comparisons": 4, "reward_accuracy": 0.5}\n'
)
SETTINGS = {
    "grpo": {
        "optimizer": {"passes": 2, "minibatches": 2},
        "loss": {"clip_dual": 3.0},
        "reward": {"number_weight": 1.0, "watched_function": "tests.rltrainer.rewards.answers:count_texts"},
        "evaluation": {"champion": True},
    },
    "rloo": {},
    "dapo": {"dynamic_sampling": {"stale_steps": 1}},
}
CRITICS = {
    "ppo": {"kind": "shared", "warmup_steps": 0},
    "ppo with a separate critic": {"kind": "separate", "clip": 0.2, "warmup_steps": 0},
}
RUNS = (*KINDS, "ppo with a separate critic", "reward")
"""One of every kind, and what takes a second run to be seen whole."""
UNSEEN = {
    "skipped_steps": "wants a gradient that is not finite",
    "critic_skipped_steps": "wants a gradient that is not finite",
}
"""Explained on the page, and written by none of the runs here."""
BY_CHANCE = {
    "peak_device_memory_mib": "wants a GPU",
    "length_note_reference": "wants answers that have become longer or shorter",
    "length_note_champion": "wants answers that have become longer or shorter",
}
"""Explained, and written where machine and answers are so."""


@pytest.fixture(scope="module")
def judge(base, tmp_path_factory):
    """The folder of a reward model that knows how far a completion lies from what it has learned from."""
    folder = tmp_path_factory.mktemp("judge") / "model"
    folder.mkdir()
    network = RewardNetwork(load_backbone(base), seed=4)
    save_reward_model(network, folder, max_length_tokens=128, mean=0.0, std=0.1, familiarity=make_familiarity(network))
    load_tokenizer(base).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def written(base, judge, judges, tmp_path_factory):
    """By run: names of metrics, and keys of the result. Each run is made once, when it is asked for."""
    found = {}

    def read(name):
        if name not in found:
            found[name] = _run(name, base, [judge, *judges[:1]], tmp_path_factory.mktemp("page") / "run")
        return found[name]

    return read


def _run(name, base, models, folder):
    if name == "reward":
        assert rewardmodel_main(["train", str(make_reward_run(folder, train_pairs=16, base=base))]) == 0
    else:
        command = {"sample": "sample", "policy-evaluate": "evaluate"}.get(name, "train")
        assert run(command, _make(name, base, models, folder)) == (0, "")
    metrics = set()
    if (folder / "metrics.jsonl").exists():
        metrics = {metric for row in read_rows(folder / "metrics.jsonl") for metric in row["values"]}
    return metrics, set(read_json(folder / "result.json")) - {"kind"}


def _make(name, base, models, folder):
    if name in ("sft", "dpo"):
        return make_offline_run(folder, offline_config(name, base, training={"max_steps": 2}))
    if name in CRITICS:
        return make_run(folder, ppo_config(base, critic=CRITICS[name], **STEP))
    if name in ("sample", "policy-evaluate"):
        return make_run(folder, _given_model(name, base))
    config = {**grpo_config(base, **SETTINGS[name], **STEP), "kind": name}
    if name == "grpo":
        config["reward"].update(model=models[0], ensemble=models[1:])
        config["evaluation"]["champion"] = str(base)
    make_run(folder, config)
    (folder / "human_feedback.jsonl").write_text(PEOPLE)
    return folder


def _given_model(kind, base):
    model = {"path": str(base), "precision": "float32", "threads": 1, "device": "cpu"}
    sampling = {"responses_per_prompt": 2, "max_new_tokens": 4}
    if kind == "sample":
        return {"kind": kind, "model": model, "sampling": sampling}
    reward = {"number_weight": 1.0}
    return {"kind": kind, "model": {**model, "reference": str(base)}, "sampling": sampling, "reward": reward}


def _names(title, heading, *, place=slice(None)):
    """Names in the first column of a chapter's tables of one heading; a `<part>` is every part that its row lists."""
    (chapter,) = (each for each in metric_chapters() if each.title == title)
    tables = [block for block in chapter.blocks if block.heading == heading][place]
    names = set()
    for entry in (entry for table in tables for entry in table.entries):
        parts = re.findall(r"`([a-z]+)`", entry.text)
        for name in entry.names:
            names |= {name.replace("<part>", part) for part in parts} if "<part>" in name else {name}
    return names


def _result_of_samples():
    """Keys that the chapter's last paragraph names; no table has them."""
    (chapter,) = (each for each in metric_chapters() if each.title == POLICY)
    assert chapter.blocks[-1].text.startswith("A `sample` run")
    return set(re.findall(r"`([a-z_]+)`", chapter.blocks[-1].text))


def _explained(name):
    """What the page says of a run: names of metrics, and keys of the result."""
    if name == "reward":
        return _names(REWARD, "name", place=slice(1)), _names(REWARD, "name", place=slice(1, None))
    if name in ("sft", "dpo"):
        # A policy by DPO is judged as the reward model that it is.
        judged = _names(REWARD, "name", place=slice(1, None)) if name == "dpo" else set()
        return _names(GIVEN, "name", place=slice(1)), _names(GIVEN, "name", place=slice(1, None)) | judged
    keys = _names(POLICY, "key")
    return _names(POLICY, "name"), keys | _result_of_samples() if name == "sample" else keys


@pytest.mark.parametrize("name", RUNS)
def test_every_number_that_a_run_writes_has_its_row(name, written):
    metrics, keys = written(name)
    explained_metrics, explained_keys = _explained(name)
    assert keys
    assert bool(metrics) == (name != "policy-evaluate")
    assert metrics - explained_metrics == set()
    assert keys - explained_keys == set()


@pytest.mark.parametrize(
    ("title", "of"),
    [(POLICY, [name for name in RUNS if name not in ("sft", "dpo", "reward")]), (GIVEN, ["sft", "dpo"]),
     (REWARD, ["reward"])],
)  # fmt: skip
def test_every_row_is_of_something_that_a_run_writes(title, of, written):
    seen = set().union(*(part for name in of for part in written(name)))
    explained = _names(title, "name") | _names(title, "key")
    # Which parts a reward has is the run's choice; one of each form is enough.
    parts = {name for name in explained if name.removesuffix("_std").removeprefix("reward_") in _parts()}
    assert {"reward_watched", "reward_number_std"} <= seen or title != POLICY
    assert explained - parts - seen - UNSEEN.keys() - BY_CHANCE.keys() == set()
    assert not seen & UNSEEN.keys()


def _parts():
    whole = _names(POLICY, "name")
    return {name.removeprefix("reward_") for name in whole if f"{name}_std" in whole and name != "reward_task"}
