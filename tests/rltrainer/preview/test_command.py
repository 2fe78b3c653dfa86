import pytest

from rltrainer.__main__ import main
from tests.rltrainer.run_folder import grpo_config, make_run, run


def test_a_table_for_people(base, tmp_path, capsys):
    folder = make_run(tmp_path / "run", grpo_config(base))
    assert main(["preview", str(folder), "--response", "hi"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "grpo, prompt q0"
    heading = next(line for line in lines if line.startswith("position"))
    assert heading.split() == ["position", "id", "token", "part", "predicted", "at", "loss", "log", "prob", "advantage"]
    rows = [line for line in lines if " completion " in line and line[0].isdigit()]
    assert [row.split()[2] for row in rows] == ["'h'", "'i'", "'<|end|>'"]
    assert rows[-1].split()[3] == "stop"


def test_a_run_that_is_complete_stays_as_it_is(base, tmp_path, capsys):
    folder = make_run(tmp_path / "run", grpo_config(base, stop={"steps": 1}))
    assert run("train", folder) == (0, "")
    (folder / "cancel").touch()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert main(["preview", str(folder)]) == 0
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("overrides", "arguments", "code", "fault"),
    [
        ((), ("--prompt", "99"), 2, "--prompt: there are 12 of them"),
        ((), ("--prompt", "-1"), 2, "--prompt: there are 12 of them"),
        ((), ("--completion", "4"), 2, "--completion: there are 4 of them"),
        (("kind=sample", "model.path="), (), 2, "model.path: is missing"),
        (("reward.number_wieght=1",), (), 2, "reward.number_wieght: unknown key"),
        (("reward.choice_weight=1",), (), 3, "prompt q0: metadata.answer: expected a letter"),
    ],
)
def test_what_is_wrong_is_told(base, tmp_path, capsys, overrides, arguments, code, fault):
    folder = make_run(tmp_path / "run", grpo_config(base), overrides=overrides)
    assert main(["preview", str(folder), *arguments]) == code
    assert fault in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_told(tmp_path, capsys):
    assert main(["preview", str(tmp_path / "nowhere")]) == 2
    assert "there is no such run directory" in capsys.readouterr().err
