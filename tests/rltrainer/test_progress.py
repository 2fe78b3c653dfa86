"""What a checkpoint of another version does: it ends the run with its folder and with what to do."""

import json
import shutil

import pytest

from rewardmodel.runtime.cancellation import Cancellation
from rewardmodel.runtime.checksums import checksum
from tests.rltrainer.offline.run_folder import make_offline_run, offline_config
from tests.rltrainer.run_folder import grpo_config, make_run, read_json, read_rows, run

WORD_OF_PEOPLE = '{"step": 0, "win_rate": 0.75, "judgments": 4}\n'


@pytest.fixture(scope="module")
def begun(base, tmp_path_factory):
    """A run of two steps, about the first of which people have said something."""
    config = grpo_config(base, stop={"steps": 2}, checkpoint={"every_steps": 1}, brakes={"window": 1})
    folder = make_run(tmp_path_factory.mktemp("begun") / "run", config)
    (folder / "human_feedback.jsonl").write_text(WORD_OF_PEOPLE)
    assert run("train", folder) == (0, "")
    return folder


def _call_comparisons_judgments(state):
    (vote,) = state["plain"]["brakes"]["memory"]["votes"]
    vote["judgments"] = vote.pop("comparisons")


def _lose(*path):
    def change(state):
        for name in path[:-1]:
            state = state[name]
        del state[path[-1]]

    return change


def _put(value, *path):
    def change(state):
        for name in path[:-1]:
            state = state[name]
        state[path[-1]] = value

    return change


CHANGES = {
    "votes of judgments": (_call_comparisons_judgments, "'judgments'"),
    "a missing part": (_lose("plain", "people"), "it lacks people"),
    "an unknown part": (_put({}, "plain", "oracle"), "nothing here knows its oracle"),
    "a part of tensors that is gone": (_put({}, "parts"), "it lacks policy"),
    "a missing value of a part": (_lose("plain", "kl", "coefficient"), "KeyError: 'coefficient'"),
    "another kind of value": (_put(7, "plain", "collector", "history"), "TypeError"),
    "progress with another field": (_put(1, "progress", "epochs"), "'epochs'"),
    "no config": (_lose("config"), "KeyError: 'config'"),
}


def _take_up(begun, folder):
    """A copy of the run that is not complete, and so goes on."""
    shutil.copytree(begun, folder)
    (folder / "result.json").unlink()
    return folder


def _change_config(folder, section, **values):
    config = read_json(folder / "config.json")
    config[section] = {**config.get(section, {}), **values}
    (folder / "config.json").write_text(json.dumps(config))


def _rewrite_state(folder, change):
    """Changes a whole checkpoint, as another version would have written it."""
    state, index = read_json(folder / "state.json"), read_json(folder / "checkpoint.json")
    change(state)
    (folder / "state.json").write_text(json.dumps(state))
    index["sizes"]["state.json"] = (folder / "state.json").stat().st_size
    index["crc32"]["state.json"] = checksum(folder / "state.json")
    (folder / "checkpoint.json").write_text(json.dumps(index))


def _assert_refused(folder, checkpoint, words):
    before = (folder / "metrics.jsonl").read_text()
    code, reason = run("train", folder)
    assert code == 2
    assert reason.startswith(f"bad config: {checkpoint}: ")
    assert words in reason
    assert reason.endswith("go on with the version that wrote it, or start the run anew in a new run directory")
    # Whoever goes on with the older version finds everything as it was.
    assert (folder / "metrics.jsonl").read_text() == before


@pytest.mark.parametrize(("change", "words"), CHANGES.values(), ids=CHANGES)
def test_a_state_of_another_shape_is_refused(begun, tmp_path, change, words):
    folder = _take_up(begun, tmp_path / "run")
    checkpoint = folder / "checkpoints" / "step-000002"
    _rewrite_state(checkpoint, change)
    _assert_refused(folder, checkpoint, words)


def test_a_changed_value_is_named_by_its_own_key(begun, tmp_path):
    folder = _take_up(begun, tmp_path / "run")
    _change_config(folder, "rollout", temperature=0.5)
    code, reason = run("train", folder)
    told = "rollout: differs from the checkpoint's in rollout.temperature (1.0 there, 0.5 now); put it back"
    assert (code, reason.startswith(f"bad config: {told}"), "group_size" in reason) == (2, True, False)


def test_what_may_change_may_change(begun, tmp_path):
    folder = _take_up(begun, tmp_path / "run")
    _change_config(folder, "stop", steps=3)
    _change_config(folder, "checkpoint", every_steps=7)
    _change_config(folder, "brakes", window=2)
    _change_config(folder, "model", peak_tflops=1.0)
    assert run("train", folder) == (0, "")
    assert [row["step"] for row in read_rows(folder / "metrics.jsonl")] == [1, 2, 3]


def test_a_finished_run_with_another_config_is_no_success(begun, tmp_path, caplog):
    folder = tmp_path / "run"
    shutil.copytree(begun, folder)
    before = (folder / "status.json").read_bytes()
    _change_config(folder, "optimizer", learning_rate=0.5)
    assert run("train", folder)[0] == 2
    told = "config.json was changed since: optimizer.learning_rate (0.003 then, 0.5 now)"
    assert f"{folder} is complete, but {told}" in caplog.text
    # What it has achieved it has achieved.
    assert (folder / "status.json").read_bytes() == before
    # A default that is written out is no change.
    _change_config(folder, "optimizer", learning_rate=3e-3, beta1=0.9)
    assert run("train", folder)[0] == 0


@pytest.mark.parametrize("kind", ["grpo", "sft"])
def test_a_run_drops_its_checkpoints_only_when_it_is_finished(base, tmp_path, kind, monkeypatch):
    if kind == "grpo":
        config = grpo_config(base, stop={"steps": 2}, checkpoint={"keep_when_done": False})
        folder = make_run(tmp_path / "run", config)
    else:
        config = offline_config(kind, base, training={"max_steps": 2}, checkpoint={"keep_when_done": False})
        folder = make_offline_run(tmp_path / "run", config)
    with monkeypatch.context() as patch:
        reached = property(lambda self: read_json(folder / "status.json")["step"] >= 1)
        patch.setattr(Cancellation, "requested", reached)
        assert run("train", folder)[0] == 130
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["step-000001"]
    assert run("train", folder) == (0, "")
    assert list(folder.glob("*checkpoints*")) == []
    assert read_json(folder / "result.json")["steps"] == 2
    assert (folder / "model" / "model.safetensors").exists()


def test_as_it_was_written_it_goes_on(begun, tmp_path):
    folder = _take_up(begun, tmp_path / "run")
    _rewrite_state(folder / "checkpoints" / "step-000002", lambda state: None)
    assert run("train", folder) == (0, "")


def test_a_run_on_given_responses_is_refused_alike(base, tmp_path):
    config = offline_config("sft", base, training={"max_steps": 2}, checkpoint={"every_steps": 1})
    folder = make_offline_run(tmp_path / "run", config)
    assert run("train", folder) == (0, "")
    (folder / "result.json").unlink()
    checkpoint = folder / "checkpoints" / "step-000002"
    _rewrite_state(checkpoint, _lose("plain", "start"))
    _assert_refused(folder, checkpoint, "it lacks start")
