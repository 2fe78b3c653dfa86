import subprocess
import sys
from pathlib import Path

import pytest

from rewardmodel.__main__ import main as reward_main
from rewardmodel.runtime.process import run_process
from rltrainer.__main__ import main as policy_main

ROOT = Path(__file__).parents[3]
COMMANDS = {
    "rewardmodel": ("train", "evaluate", "score", "fetch-base", "embed"),
    "rltrainer": ("train", "evaluate", "sample", "preview", "export-verl", "import-verl"),
}
MAINS = {"rewardmodel": reward_main, "rltrainer": policy_main}


def _assert_names_all(text: str, program: str) -> None:
    lines = text.splitlines()
    for command in COMMANDS[program]:
        (line,) = [line for line in lines if line.startswith(f"  {command} ")]
        assert len(line.split()) > 3, "it says what the command does"
        assert any(f"python -m {program} " in form and command in form for form in lines)


@pytest.mark.parametrize("program", COMMANDS)
@pytest.mark.parametrize("argv", [["--help"], ["-h"], ["train", "--help"]])
def test_help_names_every_command(program: str, argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert MAINS[program](argv) == 0
    shown = capsys.readouterr()
    _assert_names_all(shown.out, program)
    assert shown.err == ""


@pytest.mark.parametrize("program", COMMANDS)
@pytest.mark.parametrize("argv", [[], ["--version"], ["train"], ["fly", "."]])
def test_a_wrong_command_line_is_told_the_same_on_stderr(
    program: str, argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert MAINS[program](argv) == 2
    shown = capsys.readouterr()
    _assert_names_all(shown.err, program)
    assert shown.out == ""


@pytest.mark.parametrize("command", ["fetch-base", "embed"])
def test_the_other_commands_of_reward_models_have_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert reward_main([command, "--help"]) == 0
    _assert_names_all(capsys.readouterr().out, "rewardmodel")


def test_the_real_command_has_help() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rltrainer", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    _assert_names_all(done.stdout, "rltrainer")


def test_a_program_without_a_text_names_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_process("program", [], {"train": print}) == 2
    assert "usage: python -m program train RUN_DIR" in capsys.readouterr().err
