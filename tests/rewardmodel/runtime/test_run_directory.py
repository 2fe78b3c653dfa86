import errno
import json
from pathlib import Path

import pytest

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.faults import Busy
from rewardmodel.runtime.process import run_process
from rewardmodel.runtime.run_directory import RunDirectory
from rewardmodel.runtime.status import StatusWriter
from tests.waiting import wait_until


def test_status_is_kept_fresh_while_nothing_changes(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    with StatusWriter(path, heartbeat_seconds=0.02) as status:
        status.update(state="running", step=3, total_steps=9)
        first = json.loads(path.read_text())
        wait_until(lambda: json.loads(path.read_text())["updated_at"] > first["updated_at"])
        second = json.loads(path.read_text())
    assert (second["state"], second["step"], second["total_steps"], second["schema"]) == ("running", 3, 9, 1)


def test_an_unknown_status_field_is_a_programming_error(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="stage"):
        StatusWriter(tmp_path / "status.json").update(stage="train")


def test_metrics_after_the_checkpoint_are_cut_off_with_a_torn_last_line(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    for step in (1, 2, 3):
        run.append_metrics(step, {"loss": 1 / step})
        run.append_sample({"step": step, "response": "ä"})
    with run.metrics.open("a") as file:
        file.write('{"step": 4, "ti')
    run.forget_after(2)
    assert [row["step"] for row in run.read_metrics()] == [1, 2]
    assert [json.loads(line)["step"] for line in run.samples.read_text().splitlines()] == [1, 2]
    run.append_metrics(3, {"loss": 0.5})
    assert run.read_metrics()[-1]["values"] == {"loss": 0.5}


def test_a_value_that_is_no_number_is_null_in_the_file(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.append_metrics(1, {"loss": float("nan"), "rate": float("inf"), "fine": 1.0})
    assert run.read_metrics()[0]["values"] == {"loss": None, "rate": None, "fine": 1.0}


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with RunDirectory(tmp_path).locked(), pytest.raises(Busy), RunDirectory(tmp_path).locked():
        pass
    with RunDirectory(tmp_path).locked():
        pass


def test_config_faults_name_the_file(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    with pytest.raises(ConfigError, match=r"config\.json: the file is missing"):
        run.read_config()
    (tmp_path / "config.json").write_text("{oops")
    with pytest.raises(ConfigError, match=r"config\.json: not valid JSON"):
        run.read_config()
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(ConfigError, match="expected a JSON object"):
        run.read_config()


def test_a_byte_order_mark_before_the_config_is_read_over(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('\ufeff{"kind": "sft"}', encoding="utf-8")
    assert RunDirectory(tmp_path).read_config() == {"kind": "sft"}


def test_paths_of_the_config_are_absolute_or_relative_to_the_run(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    assert run.resolve("data/train.jsonl") == tmp_path / "data/train.jsonl"
    assert run.resolve("/models/base") == Path("/models/base")


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_told_in_plain_words(tmp_path: Path) -> None:
    assert run_process("program", ["train", str(tmp_path)], {"train": full_disk}) == 1
    reason = json.loads((tmp_path / "status.json").read_text())["reason"]
    assert reason.startswith("the disk is full: ")
    assert "goes on from its checkpoint" in reason


def test_a_disk_too_full_for_a_status_still_gives_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fill(directory: RunDirectory) -> None:
        monkeypatch.setattr("rewardmodel.runtime.status.write_json", lambda *_, **__: full_disk())
        full_disk()

    assert run_process("program", ["train", str(tmp_path)], {"train": fill}) == 1
    assert "the disk is full" in caplog.text
    assert "status.json cannot be written" in caplog.text


def test_a_directory_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / ".lock"))

    monkeypatch.setattr("os.open", refuse)
    assert run_process("program", ["train", str(tmp_path)], {"train": full_disk}) == 2
    assert "the run directory cannot be written" in capsys.readouterr().err


def test_a_result_whose_writer_was_killed_counts_as_success(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.status.update(state="running")
    run.write_result({"kind": "reward"})
    assert run_process("program", ["train", str(tmp_path)], {"train": full_disk}) == 0
    assert run.read_state() == "succeeded"


def _finish(directory: RunDirectory) -> None:
    directory.read_config()
    directory.write_result({"kind": "reward"})


def _finished(folder: Path, config: str = '{"seed": 1}') -> None:
    (folder / "config.json").write_text(config)
    assert run_process("program", ["train", str(folder)], {"train": _finish}) == 0


def test_a_finished_run_whose_config_is_another_is_no_success(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _finished(tmp_path)
    assert run_process("program", ["train", str(tmp_path)], {"train": full_disk}) == 0
    (tmp_path / "config.json").write_text('{"seed": 2}')
    assert run_process("program", ["train", str(tmp_path)], {"train": full_disk}) == 2
    assert "config.json was changed since: seed (1 then, 2 now); nothing is done" in caplog.text
    assert RunDirectory(tmp_path).read_state() == "succeeded"


def test_a_finished_run_of_before_says_that_it_is_complete(tmp_path: Path) -> None:
    _finished(tmp_path)
    (tmp_path / "finished_config.json").unlink()
    (tmp_path / "config.json").write_text('{"seed": 2}')
    assert run_process("program", ["train", str(tmp_path)], {"train": full_disk}) == 0


@pytest.mark.parametrize("name", ["config.json", "finished_config.json"])
def test_a_finished_run_with_a_broken_config_is_not_compared(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    _finished(tmp_path)
    (tmp_path / name).write_text("{oops")
    assert run_process("program", ["train", str(tmp_path)], {"train": full_disk}) == 2
    assert f"not comparable with its config.json: {name}: " in caplog.text


def test_what_a_kill_left_of_dropped_checkpoints_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = RunDirectory(tmp_path)
    (directory.checkpoints / "step-000001").mkdir(parents=True)
    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", lambda *_, **__: None)
        directory.drop_checkpoints()
    assert not directory.checkpoints.exists()
    assert len(list(tmp_path.iterdir())) == 1
    _finished(tmp_path)
    assert run_process("program", ["train", str(tmp_path)], {"train": full_disk}) == 0
    assert list(tmp_path.glob("*checkpoints*")) + list(tmp_path.glob(".unfinished*")) == []


def test_a_leftover_lock_file_keeps_nobody_out(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text("4711")
    with RunDirectory(tmp_path).locked():
        pass


def test_cancellation_is_seen_as_a_file(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    assert not run.cancellation.requested
    (tmp_path / "cancel").touch()
    assert run.cancellation.requested
