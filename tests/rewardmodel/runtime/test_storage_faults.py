"""Plain words for full disks, as the libraries that write really tell them."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from rewardmodel.runtime.checkpoint import save_checkpoint
from rewardmodel.runtime.process import run_process
from rewardmodel.runtime.run_directory import RunDirectory
from rewardmodel.runtime.storage_faults import describe_storage_fault

SAVE = """
import resource, sys
import torch
from rewardmodel.runtime.checkpoint import save_checkpoint
from rewardmodel.runtime.process import run_process

def work(directory):
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    save_checkpoint(directory.checkpoints, 1, tensors={"policy": {"w": torch.zeros(100_000)}}, state={})

sys.exit(run_process("program", ["train", sys.argv[1]], {"train": work}))
"""


def _fill(directory: RunDirectory) -> None:
    save_checkpoint(directory.checkpoints, 1, tensors={"policy": {"w": torch.zeros(500_000)}}, state={})


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts file systems")
def test_a_full_disk_is_told_in_plain_words_whoever_met_it(small_disk: Path) -> None:
    with pytest.raises(SafetensorError) as met:
        save_file({"w": torch.zeros(500_000)}, small_disk / "w.safetensors")
    assert describe_storage_fault(met.value).startswith("the disk is full: ")
    for path in small_disk.iterdir():
        path.unlink()
    assert run_process("program", ["train", str(small_disk)], {"train": _fill}) == 1
    status = json.loads((small_disk / "status.json").read_text())
    assert status["state"] == "failed"
    assert status["reason"].startswith("the disk is full: ")
    assert "free some space and start again, the run goes on from its checkpoint" in status["reason"]


def test_a_limit_on_files_is_told_in_plain_words(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SAVE, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    reason = json.loads((tmp_path / "status.json").read_text())["reason"]
    assert reason.startswith("a file may not become as large as it must: ")
    assert "raise the limit (ulimit -f)" in reason


def _follow(cause: BaseException) -> BaseException:
    try:
        try:
            raise cause
        except type(cause):
            raise ValueError("the folder is broken")  # noqa: B904 - as code does that knows nothing of disks
    except ValueError as error:
        return error


FULL = {
    "safetensors": SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    "torch": RuntimeError("[enforce fail at inline_container.cc:424] . unexpected pos 704 vs 598"),
    "torch's writer": RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed"),
    "the system": OSError(errno.ENOSPC, "No space left on device"),
    "a quota": OSError(errno.EDQUOT, "Disk quota exceeded"),
    "what followed": _follow(OSError(errno.ENOSPC, "No space left on device")),
}


@pytest.mark.parametrize("error", FULL.values(), ids=FULL)
def test_every_writer_is_understood(error: BaseException) -> None:
    assert describe_storage_fault(error).startswith("the disk is full: ")


def test_a_read_only_disk_is_named() -> None:
    assert "read-only" in describe_storage_fault(OSError(errno.EROFS, "Read-only file system"))


@pytest.mark.parametrize(
    "error", [RuntimeError("shape mismatch at position 28"), OSError(errno.EIO, "Input/output error"), KeyError("w")]
)
def test_other_faults_keep_their_own_words(error: BaseException) -> None:
    assert describe_storage_fault(error) == ""


def test_what_was_hidden_on_purpose_is_no_cause() -> None:
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError:
            raise KeyError("w") from None
    except KeyError as error:
        met = error
    assert describe_storage_fault(met) == ""
